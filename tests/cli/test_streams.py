"""The command line ends in order whatever reads it, in whatever encoding, or nobody does."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmlp.cli import main
from kmlp.errors import KmlpError
from kmlp.terminal import _HANDLER, prepare_streams, silence
from tests.command_line import kmlp
from tests.hand_made import hand_made

ROOT = Path(__file__).parent.parent.parent
HUGE = "9" * 5000
MESSAGES = (
    (("export", "RUN", "--member", HUGE), "member must be best, ensemble, refit or a seed"),
    (("export", "RUN", "--member", "٣"), "member must be best, ensemble, refit or a seed"),
    (("export", "RUN", "--variant", HUGE), "no finished network of that variant"),
    (("study", "mnist", "--seeds", "100000000"), "num_seeds must be at most 10,000"),
    (("study", "mnist", "--seeds", HUGE), "Invalid value for --seeds"),
    (("study", "mnist", "--max-epochs", HUGE), "Invalid value for --max-epochs"),
    (("study", "mnist", "--resample", f"splits:{HUGE}"), "resample is splits:R"),
    (("study", "mnist", "--resample", "splits:10001"), "for R from 2 to 10,000"),
    (("study", "mnist", "--sweep", "dropout=0:0.5:100000000"), "at most 1,000 values"),
    (("study", "mnist", "--variants", f"none,{HUGE}"), "unknown variant"),
    (("study", "mnist", "--hidden-units", HUGE), "hidden_units are whole numbers"),
    (("study", HUGE), "dataset must be a name or a path"),
    (("tune", "mnist", "--max-trials", "100000000"), "max_trials must be at most 10,000"),
    (("show", HUGE), "File name too long"),
    (("predict", "[/red]", "a\x1b[31m"), "a\\x1b[31m: no such file or folder"),
    ((f"nonsense{HUGE}",), "Unknown command"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run folder whose names and signs no narrow encoding has."""
    called = {"none": "größer", "dropout": "数据", "l2": "l2"}
    made = hand_made(tmp_path_factory.mktemp("run"), "multiclass", called=called)
    made.folder.write_json("results.json", made.results)
    return made.folder.path


def in_a_shell(
    *arguments: str, encoding: str = "utf-8", redirect: str = ""
) -> subprocess.CompletedProcess:
    """In a shell, which can close a stream or hang up on it."""
    command = f'exec "$0" -m kmlp "$@" {redirect}'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        capture_output=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "encoding"),
    [
        (("show",), "ascii"),
        (("show",), "latin-1"),
        (("show", "--json"), "ascii"),
        (("--help",), "ascii"),
        (("data",), "ascii"),
    ],
)
@pytest.mark.process
def test_an_encoding_that_lacks_a_letter_gets_a_stand_in(folder, command, encoding):
    name, *options = command
    paths = [str(folder)] if name == "show" else []
    done = in_a_shell(name, *paths, *options, encoding=encoding)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "Traceback" not in done.stderr.decode(encoding)
    if command == ("show",):
        assert "\\u6570\\u636e" in text
        assert ("größer" if encoding != "ascii" else "gr\\xf6\\xdfer") in text


def test_signs_have_stand_ins_in_ascii():
    prepare_streams()
    line = "• 0.5 – 0.7 ± 0.1 … ✓ ↑ x²"
    assert line.encode("ascii", _HANDLER) == b"* 0.5 - 0.7 +/- 0.1 ... ok ^ x^2"


@pytest.mark.process
def test_an_error_goes_to_any_encoding():
    done = in_a_shell("show", "größer/数据", encoding="ascii")
    assert done.returncode == 1
    assert done.stderr.startswith(b"kmlp: gr\\xf6\\xdfer/\\u6570\\u636e: there is no such folder")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "redirect"), [((), ">&-"), (("--json",), ">&-"), ((), "<&- >&- 2>&-")]
)
@pytest.mark.process
def test_a_closed_stream_is_nobody_who_reads(folder, options, redirect):
    done = in_a_shell("show", str(folder), *options, redirect=redirect)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.process
def test_no_file_takes_the_place_of_a_closed_stream(folder):
    """What is written to descriptor 1 must not land in a file that happens to be opened next."""
    code = (
        "import os, sys; from kmlp.terminal import prepare_streams; prepare_streams();"
        f"file = open({str(folder / 'opened.txt')!r}, 'w'); print('lost');"
        "sys.exit(file.fileno() < 3)"
    )
    command = 'exec "$0" -c "$1" <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command, sys.executable, code], env=environment)
    assert done.returncode == 0
    assert (folder / "opened.txt").read_text() == ""


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.process
def test_a_reader_who_has_left_ends_it_quietly(folder, options):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "kmlp", "show", str(folder), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """All output goes to a reader who has left."""
    reader, writer = os.pipe()
    os.close(reader)
    with (
        open(writer, "w", encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        try:
            yield
        finally:
            silence(stream)  # closing it would try once more


@pytest.mark.long
@pytest.mark.parametrize("command", ["run", "study", "ablate", "tune"])
def test_what_trains_goes_on_when_its_reader_has_left(tmp_path, monkeypatch, command):
    """`kmlp run | head` still writes report and model; what trains is tested elsewhere."""
    done = tmp_path / "done"

    def trained(*_, **__):
        for stream in (sys.stdout, sys.stderr):
            print("x" * 2**20, file=stream, flush=True)
        done.touch()
        raise KmlpError("this is all that is wanted here")

    monkeypatch.setattr("kmlp.cli.study.load_data", trained)
    monkeypatch.setattr("kmlp.cli.tune.load_data", trained)
    with pytest.raises(SystemExit) as end, unread():
        main([command, "wine", "--out", str(tmp_path / "run")])
    assert done.exists()
    assert end.value.code == 1


@pytest.mark.process
def test_output_that_nothing_holds_back_is_not_held_back_by_training():
    """As of `python -u`, where logs of long work are followed."""
    code = (
        "import os\nfrom kmlp.terminal import go_on_unread\n"
        "reader, writer = os.pipe()\nos.set_blocking(reader, False)\n"
        "os.dup2(writer, 1)\ngo_on_unread()\nprint('an epoch')\n"
        "os.write(2, os.read(reader, 20))\n"
    )
    command = [sys.executable, "-u", "-c", code]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.stderr == b"an epoch\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.process
def test_a_full_disk_is_said_once(folder):
    done = in_a_shell("show", str(folder), redirect="> /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"kmlp: [Errno 28] No space left on device\n"


@pytest.mark.long
@pytest.mark.parametrize(("arguments", "message"), MESSAGES)
def test_a_message_is_one_short_line_at_once(folder, arguments, message):
    done = kmlp(*(str(folder) if a == "RUN" else a for a in arguments))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("kmlp: ")
    assert message in line
    assert len(line) < 900
