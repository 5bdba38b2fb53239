"""Tables in a narrow terminal: whole numbers, with p and the best, and what is left out is said."""

import pytest
from rich.cells import cell_len

from kmlp.cli.app import console
from kmlp.report.fitting import FittingTable, Shown
from kmlp.terminal import PlainConsole
from tests.command_line import kmlp
from tests.hand_made import hand_made

LONG = {"none": "none", "dropout": "数据集的名字很长很长", "l2": "a name of sixty characters, " * 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "a"
    hand_made(path, "binary", 8, called=LONG)
    return path


def shown_at(width: int, folder, monkeypatch) -> tuple[list[str], list[str]]:
    """Every line of `kmlp show`, and the words of the table's first one."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = kmlp("show", str(folder)).stdout.splitlines()
    return lines, next(line.split() for line in lines if line.startswith("variant "))


@pytest.mark.long
@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_keeps_p_and_best_and_cuts_no_number(folder, monkeypatch, width):
    lines, head = shown_at(width, folder, monkeypatch)
    assert max(map(cell_len, lines)) <= width
    assert {"acc.", "Holm", "p", "place"} <= set(head)
    for numbers in (["87.81", "+10.00", "0.016", "best"], ["72.81", "-5.00", "0.016"]):
        assert any(set(numbers) <= set(line.split()) for line in lines)


@pytest.mark.long
def test_what_has_no_room_is_told(folder, monkeypatch):
    lines, head = shown_at(80, folder, monkeypatch)
    assert "seeds" not in head
    said = "(no room for: seeds, 95 % interval of test acc. %, 95 % interval of vs. baseline, wins)"
    assert said in " ".join(" ".join(lines).split())
    lines, head = shown_at(200, folder, monkeypatch)
    assert head[1] == "seeds"
    assert "no room" not in " ".join(lines)


def test_columns_leave_in_their_order_until_the_rest_fits():
    columns = [Shown(word, ("1234",), leaves) for word, leaves in (("a", 1), ("b", 0), ("c", 2))]
    heads = []
    for width in (16, 15, 9, 4):
        screen = PlainConsole(width=width, color_system=None)
        with screen.capture() as capture:
            screen.print(FittingTable(columns))
        heads.append(capture.get().splitlines()[0].split())
    assert heads == [["a", "b", "c"], ["a", "b"], ["b"], ["b"]]


def test_columns_are_obeyed_where_nobody_sees_them(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert console().width == 72
    monkeypatch.delenv("COLUMNS")
    assert console().width == 160
