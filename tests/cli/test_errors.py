"""What the command line says without training: lists, help, and what was asked wrongly."""

import json
import re
import subprocess
import sys

import pytest

from kmlp.cli.app import open_page
from tests.command_line import kmlp, kmlp_process


def test_data_lists_every_set_with_its_state():
    rows = json.loads(kmlp("data", "--json").stdout)
    samples = [r for r in rows if r["place"] == "in the package"]
    assert {r["dataset"] for r in samples} == {"mnist", "fashion_mnist"}
    assert all("sample" in r["state"] for r in samples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("study", "nonsense"), "kmlp: no data set 'nonsense': neither a known name"),
        (("study", "fashion-mnist"), "nor a folder. Did you mean 'fashion_mnist'?"),
        (("study", "missing.toml"), "kmlp: missing.toml: "),
        (("study", "mnist", "--variants", "none,dropuot"), "kmlp: unknown variant 'dropuot'"),
        (("study", "mnist", "--variants", "none,dropout=1.2"), "Use 1 - p."),
        (("study", "mnist", "--seeds", "0"), "kmlp: num_seeds must be a whole number"),
        (("study", "mnist", "--resample", "halves:2"), "kmlp: resample is splits:R"),
        (("study", "mnist", "--sweep", "dropuot=0:1:3"), "Did you mean 'dropout'?"),
        (("study", "mnist", "--folds", "1"), "kmlp: folds must be a whole number of at least 2"),
        (("study", "mnist", "--hidden-units", "a,b"), "whole numbers with hyphens between them"),
        (("run", "mnist", "--tune", "--watch"), "kmlp: --watch is of studies"),
        (("report",), "kmlp: report needs a run folder"),
        (("report", "nowhere"), "kmlp: nowhere: there is no such folder."),
        (("show", "nowhere"), "kmlp: nowhere: there is no such folder."),
        (("export", "nowhere"), "kmlp: nowhere: there is no such folder."),
        (("predict", "nowhere", "x.npy"), "kmlp: x.npy: no such file or folder"),
        (("evaluate", "nowhere", "mnist"), "kmlp: nowhere: no exported model. Make one: kmlp"),
    ],
)
def test_an_error_is_one_line_and_the_exit_code_is_not_zero(tmp_path, arguments, message):
    done = kmlp(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_every_command_has_an_example_in_its_help():
    commands = re.findall(r"^│ ([a-z]+) ", kmlp("--help").stdout, re.MULTILINE)
    assert {"run", "study", "show", "report", "export", "predict", "evaluate"} <= set(commands)
    for command in commands:
        _, _, example = kmlp(command, "--help").stdout.partition("For example:")
        assert re.search(rf"kmlp {command}( |$)", example, re.MULTILINE), command


@pytest.mark.parametrize(
    "told",
    [
        "--baseline STR the variant that the others are compared with [default: none]",
        "as 128-64 [default: 128-64]",
        "--learning-rate FLOAT of the optimizer [default: 0.001]",
        "made where it is missing [default: runs/NAME]",
        "0.002 of an accuracy is 0.2 points --strengths",  # off: no default
    ],
)
def test_the_help_tells_defaults_as_the_configs_have_them(told):
    assert told in " ".join(kmlp("study", "--help").stdout.replace("│", "").split())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_without_a_screen_the_page_is_named_and_no_browser_takes_the_terminal(
    tmp_path, monkeypatch, capsys
):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    open_page(tmp_path / "report.html")
    assert (
        capsys.readouterr().err == f"no browser is known here; the page is {tmp_path}/report.html\n"
    )


@pytest.mark.long
def test_a_shell_is_given_what_completes_commands():
    for shell, mark in (("bash", "complete -F _kmlp kmlp"), ("zsh", "#compdef kmlp")):
        script = kmlp("completion", shell).stdout
        assert mark in script
        assert "--hidden-units" in script


@pytest.mark.process
def test_a_process_ends_with_the_same_line_and_exit_code(tmp_path):
    done, here = (run("show", "nowhere", cwd=tmp_path) for run in (kmlp_process, kmlp))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", here.stderr)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["show", "nowhere"]])
@pytest.mark.process
def test_help_and_results_load_neither_keras_nor_the_report(arguments, tmp_path):
    """In a process that could: what lists every module it holds as it ends."""
    script = (
        "import atexit, sys; from kmlp.cli import main;"
        "atexit.register(lambda: print(sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules))));"
        "main()"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


INTERRUPTED = """
import signal
from kmlp.cli import app, main
@app.command
def wait():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
main(["wait"])
"""


@pytest.mark.process
def test_an_interrupt_is_one_line_and_the_exit_code_of_interrupts():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "\nkmlp: interrupted; the same command goes on from here.\n"
