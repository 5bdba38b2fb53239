"""Tables for the terminal: the task's own metric, unit and direction."""

from types import SimpleNamespace

import pytest
from rich.console import Console

from kmlp.cli.printing.next_steps import _exports, _more_seeds
from kmlp.cli.printing.tables import results_table, score_lines
from kmlp.cli.report import print_study
from kmlp.config import StudyConfig
from kmlp.stats.metrics import METRICS
from kmlp.study.loading import load_study
from kmlp.study.results.records.study import StudyResults
from tests.command_line import kmlp
from tests.hand_made import hand_made


def lines(results: StudyResults) -> list[list[str]]:
    """The table's cells, split where columns are two spaces apart."""
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(results_table(results))
    rows = [line.strip().split("  ") for line in capture.get().splitlines()]
    return [[cell.strip() for cell in row if cell.strip()] for row in rows]


@pytest.mark.long
@pytest.mark.parametrize(
    ("task", "heading", "beside", "best"),
    [
        ("multiclass", "test acc. %", [], "87.50"),
        ("binary", "test acc. %", ["test bal. acc. %"], "87.50"),
        ("regression", "test RMSE ↓", ["test R²"], "9.25"),
    ],
)
def test_a_table_is_in_the_tasks_metric_and_ranked_by_it(tmp_path, task, heading, beside, best):
    head, *rows = lines(hand_made(tmp_path, task).record)
    names = ["variant", "seeds", heading, "95 % interval", "vs. baseline", "95 % interval"]
    assert head == [*names, "Holm p", "wins", "place", *beside]
    assert [row[0].split("=")[0] for row in rows] == ["dropout", "none", "l2"]
    assert rows[0][2] == best


def test_how_each_stands_beside_the_best_is_marked(tmp_path):
    """Six seeds tell l2 from the best (p 0.031), but not the best from none (Holm p 0.062)."""
    _, *rows = lines(hand_made(tmp_path, "multiclass").record)
    assert [row[-1] for row in rows] == ["best", "open", "worse"]


def test_scores_of_folds_stand_beside_the_number_of_folds(tmp_path):
    """A repeat that lacks a fold does not count; how many seeds saw all rows, says nothing here."""
    record = hand_made(tmp_path, "multiclass", folds=3, repeats=2).record
    first, *others = record.cross_validation.variants
    short = first.model_copy(update={"num_folds": 3})
    tested = record.cross_validation.model_copy(update={"variants": (short, *others)})
    folded = record.model_copy(update={"basis": "folds", "cross_validation": tested})
    head, *rows = lines(folded)
    assert head[1] == "folds"
    assert {row[0].split("=")[0]: row[1] for row in rows} == {
        **dict.fromkeys(("none", "dropout", "l2"), "6"),
        short.variant: "3",
    }


def test_a_better_error_is_a_negative_difference(tmp_path):
    _, dropout, none, _ = lines(hand_made(tmp_path, "regression").record)
    assert dropout[4:8] == ["-1.00", "-1.00 to -1.00", "0.062", "6 of 6"]
    assert none[4:8] == ["–", "–", "–", "–"]


def test_a_study_is_told_answer_first(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    hand_made(tmp_path, "multiclass", 8)
    study = load_study(tmp_path)
    print_study(study)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(f"{study.record.answer.text} variant seeds test acc. %")


@pytest.mark.long
def test_a_study_ends_with_what_makes_its_page(tmp_path, monkeypatch):
    """What trains it is tested elsewhere; here it has been."""
    run = tmp_path / "a run"
    hand_made(run, "multiclass")
    monkeypatch.setattr("kmlp.cli.study.load_data", lambda config, folder: (None, config))
    monkeypatch.setattr("kmlp.cli.study.run_with_progress", lambda *_, **__: load_study(run))
    said = kmlp("study", "mnist", "--out", str(run)).stdout
    assert said.endswith(f"\nNext:\n  kmlp report '{run}'\n")
    assert "Next:" not in kmlp("study", "mnist", "--out", str(run), "--json").stdout


@pytest.mark.parametrize("is_cut_short", [True, False])
def test_a_run_that_ended_early_offers_more_epochs(tmp_path, monkeypatch, is_cut_short):
    run = tmp_path / "run"
    hand_made(run, "multiclass")
    monkeypatch.setattr("kmlp.cli.study.run_one", lambda *_, **__: (load_study(run), run))
    told = ["they were still getting better"] * is_cut_short
    monkeypatch.setattr("kmlp.study.results.caveats.cut_short", lambda results: told)
    words = ("--seeds", "6", "--max-epochs", "5")
    last = kmlp("run", "mnist", "--out", str(run), *words).stdout.splitlines()[-1]
    longer = f"  kmlp run mnist --out {run}-longer --seeds 6 --max-epochs 10  # more epochs, of "
    longer += "all networks"
    assert (last == longer) == is_cut_short


def test_what_to_try_next_keeps_all_that_was_said(tmp_path, monkeypatch):
    """A report that hides values is not to show them after the next command."""
    run = tmp_path / "run"
    hand_made(run, "multiclass")
    monkeypatch.setattr("kmlp.cli.study.run_one", lambda *_, **__: (load_study(run), run))
    monkeypatch.setattr("kmlp.cli.study.open_page", lambda page: None)
    words = ("--seeds", "6", "--author", "A. Lovelace", "--hide-values", "--open")
    said = kmlp("run", "mnist", "--out", str(run), *words).stdout
    _, show, ensemble, *commands = said.splitlines()[1:]
    assert ensemble == (
        f"  kmlp export {run} --member ensemble --hide-values  # all its networks as one"
    )
    assert len(commands) == 2
    kept = "--author 'A. Lovelace' --hide-values --open"
    for command in commands:
        assert kept in command
    assert show == f"  kmlp show {run}"


@pytest.mark.parametrize(
    ("more", "num_seeds"),
    [
        ((4, 300), 20),  # Twice as many decide one.
        ((30, None), 40),  # As many as the nearest takes.
        ((196, None), 0),  # Many times as many.
        ((None, None), 0),
    ],
)
def test_more_seeds_are_offered_where_they_may_decide_something(more, num_seeds):
    """By the verdict's own words 20 seeds decide nothing where 196 more would be needed."""
    config = StudyConfig(dataset="mnist", variants=("none", "l1", "l2"), num_seeds=10)
    told = SimpleNamespace(is_significant=True, is_equivalent=False)
    is_open = {"is_significant": False, "is_equivalent": False, "equivalence": None}
    is_open |= {"is_tested": True, "num_pairs": 10}
    compared = [None, told, *(SimpleNamespace(more_seeds=n, **is_open) for n in more)]

    def offered(*of: SimpleNamespace | None) -> int:
        variants = [SimpleNamespace(versus_baseline=versus) for versus in of]
        record = SimpleNamespace(variants=variants)
        return _more_seeds(SimpleNamespace(config=config, record=record))

    assert offered(*compared) == num_seeds
    assert offered(None) == 20
    assert offered(None, told) == 0
    for other in ({"is_tested": False}, {"equivalence": "asked for"}):
        assert offered(None, SimpleNamespace(more_seeds=None, **is_open | other)) == 20


def test_what_helps_can_be_taken_where_validation_chose_another(tmp_path):
    """The answer names one variant that helps, and another that is exported."""
    hand_made(tmp_path, "multiclass", 8)
    study = load_study(tmp_path)
    assert "--variant dropout" not in _exports(study)
    variants = tuple(
        v.model_copy(update={"selection_difference": -0.01 if v.name == "dropout" else 0.0})
        for v in study.record.variants
    )
    record = study.record.model_copy(update={"variants": variants})
    found = _exports(SimpleNamespace(record=record, config=study.config))
    assert found["--variant dropout"] == "what is shown to help"


SCORES = {
    "task": "regression",
    "num_rows": 1234,
    "rmse": {"value": 54.213, "ci95": (50.0, 58.0), "interval": "bootstrap"},
    "mae": {"value": 43.0, "ci95": None, "interval": "bootstrap"},
    "mape": {"value": 0.5, "ci95": None, "interval": "bootstrap"},
    "r2": {"value": None, "ci95": None, "interval": "bootstrap"},
    "mse": {"value": 2939.0, "ci95": (2500.0, 3364.0), "interval": "bootstrap"},
}


def test_scores_are_a_line_each():
    assert score_lines(SCORES, "test rows (full)") == [
        "RMSE 54.21 (95 % bootstrap interval 50.00 to 58.00 over 1,234 test rows (full))",
        "MAE 43.00",
        "MAPE 50.00 %",
        "R² cannot be told",
        "MSE 2,939 (95 % bootstrap interval 2,500 to 3,364)",
    ]


def test_an_accuracys_line_is_in_percent():
    interval = {"ci95": (0.8, 0.9), "interval": "Wilson"}
    scores = {name: {"value": 0.85, **interval} for name in METRICS["binary"]}
    first, *_, loss, last = score_lines(
        {"task": "binary", "num_rows": 50, **scores}, "test rows (sample)"
    )
    assert first == "accuracy 85.00 % (95 % interval 80.00 to 90.00 over 50 test rows (sample))"
    assert loss == "cross-entropy 0.8500 nats (95 % interval 0.8000 to 0.9000)"
    assert last == "Brier score 0.8500 (95 % interval 0.8000 to 0.9000)"
