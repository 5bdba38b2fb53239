"""`kmlp tune` as a person meets it, on the bundled sample."""

import json
import os
import re
import subprocess
import sys
import types

import pytest

from kmlp.cli.options import Options
from kmlp.cli.tune import print_next
from tests.command_line import ENVIRONMENT, kmlp
from tests.made_search import assembled, changed, made_search, with_follow_up
from tuning import Search, load_search

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
FILE = """
dataset = "mnist"
tuner = "random"
max_trials = 3
num_seeds = 2
[space]
preset = "none"
learning_rate = "1e-3:1e-2:log"
dropout = [0.0, 0.2]
[fixed]
hidden_units = [8]
batch_size = 512
[train]
max_epochs = 2
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A search file through `kmlp run --tune`: search, study, reports and export."""
    folder = tmp_path_factory.mktemp("tune")
    (folder / "small.toml").write_text(FILE)
    done = kmlp("run", "small.toml", "--tune", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.mark.slow
def test_a_run_that_tunes_ends_with_trials_study_report_and_model(finished):
    folder, done = finished
    assert "Searching with random: up to 3 trials of 2 seeds." in done.stderr
    ended = r"^trial \d: accuracy \d+\.\d\d % ± \d+\.\d\d  "
    assert len(re.findall(ended, done.stderr, re.MULTILINE)) == 3
    assert "3 of 3 trials finished, 2 seeds each." in done.stdout
    assert re.search(r"Over 10 fresh seeds trial \d has a validation accuracy of", done.stdout)
    assert "on the test set (95 % interval" in done.stdout
    assert (folder / "runs/small-search/study/report.html").exists()
    exported = re.search(r"^Model:  (.*)$", done.stdout, re.MULTILINE)[1]
    assert (folder / exported / "manifest.json").exists()


def test_nothing_but_progress_goes_to_stderr(finished):
    known = (
        r"mnist: sample|\d+ variants x|Memory: |Compiling |Searching|trial \d|Training \d+|"
        r"\d+ of \d+ networks|kmlp: the|$"
    )
    for line in finished[1].stderr.splitlines():
        assert re.match(known, line), line


def test_show_prints_the_trials_and_json_alone_where_asked(finished):
    folder = finished[0]
    shown = kmlp("show", "runs/small-search", cwd=folder)
    assert "picked" in shown.stdout
    results = json.loads(kmlp("show", "runs/small-search", "--json", cwd=folder).stdout)
    assert results == json.loads((folder / "runs/small-search/results.json").read_text())


def test_the_same_command_trains_nothing_and_another_one_is_refused(finished):
    folder = finished[0]
    again = kmlp("tune", "small.toml", cwd=folder)
    assert "3 trials have ended before" in again.stderr
    refused = kmlp("tune", "small.toml", "--seeds", "3", cwd=folder)
    assert refused.returncode == 1
    assert "num_seeds is 2 there, 3 here" in refused.stderr
    wrong = kmlp("tune", "mnist", "--space", "dropot=1,2", cwd=folder)
    assert wrong.stderr.strip().endswith("Did you mean 'dropout'?")


def test_the_command_line_narrows_and_fixes_what_the_file_says(tmp_path):
    from kmlp.cli.tune import configure

    (tmp_path / "small.toml").write_text(FILE)
    target = str(tmp_path / "small.toml")
    config = configure(target, space=["dropout=0.5,0.6"], fixed=["l2=1e-4"], num_seeds=4)
    assert config.space == {
        "preset": "none",
        "learning_rate": "1e-3:1e-2:log",
        "dropout": "0.5,0.6",
    }
    assert config.fixed == {"hidden_units": [8], "batch_size": 512, "l2": "1e-4"}
    assert configure(target, space=["all"]).space == {"preset": "all"}


@pytest.fixture
def run_tuned(tmp_path, monkeypatch):
    """`kmlp run --tune` of a search with given results, without training; what it exports."""
    from kmlp import report
    from kmlp.cli import study, tune

    data = types.SimpleNamespace(name="made")

    def run(results):
        found = Search(None, tmp_path, results)
        calls = []
        monkeypatch.setattr(tune, "search_with_progress", lambda *args, **options: found)
        monkeypatch.setattr(tune, "report_search", lambda run_dir: run_dir / "report.html")
        monkeypatch.setattr(report, "write_report", lambda run_dir, **_: run_dir / "report.html")
        monkeypatch.setattr(tune, "load_data", lambda config: (config, data))
        monkeypatch.setattr(study, "print_examples", lambda model, data: None)
        monkeypatch.setattr(study, "print_model", lambda version: None)
        monkeypatch.setattr(study, "search_chapter", lambda run_dir: None)
        monkeypatch.setattr(
            study, "write_export", lambda *args, **_: calls.append(args) or tmp_path
        )
        study.run_tuned("mnist", tmp_path, Options())
        return calls

    return run


def test_the_picked_trial_is_exported_whichever_was_best_over_fresh_seeds(
    run_tuned, tmp_path, capsys
):
    results = with_follow_up(made_search(tmp_path, 12))
    picked = results.picked
    for variant in (f"trial {picked}", "default"):
        # The base configuration is in the study as its baseline.
        fresh = results.fresh.to_dict()
        fresh["trials"][str(picked)]["variant"] = variant
        results = changed(results, fresh=fresh)
        assert run_tuned(results) == [(tmp_path / "study", variant, "best", None)]
    line = f"kmlp export {tmp_path}/study --variant default  # what the search picked\n"
    assert line in capsys.readouterr().out


def test_a_study_that_follows_a_search_has_its_report_at_once(tmp_path, monkeypatch, capsys):
    """As every other run has: the search's page tells of the picked trial alone."""
    from kmlp import report
    from kmlp.cli import tune
    from tuning.report import section

    found = Search(None, tmp_path, with_follow_up(made_search(tmp_path, 12)))
    monkeypatch.setattr(tune, "load_data", lambda config: (config, None))
    monkeypatch.setattr(tune, "search_with_progress", lambda *args, **options: found)
    monkeypatch.setattr(tune, "report_search", lambda run_dir: run_dir / "report.html")
    monkeypatch.setattr(section, "search_section", lambda run_dir: run_dir)
    monkeypatch.setattr(report, "write_report", lambda run_dir, *, search: search / "study/r.html")
    tune.tune("mnist", out=tmp_path, then="study")
    assert f"Study:  {tmp_path}/study/r.html\n" in capsys.readouterr().out
    tune.tune("mnist", out=tmp_path)
    assert "Study:" not in capsys.readouterr().out


def test_what_to_type_next_goes_to_a_folder_that_no_other_search_names(tmp_path, capsys):
    """By the name of its file it would be runs/best, whatever search came before."""
    results = made_search(tmp_path, 12)
    print_next(Search(None, tmp_path, results), tmp_path / "report.html")
    said = f"kmlp study {tmp_path}/best.toml --out {tmp_path}-best\n"
    assert said in capsys.readouterr().out


def test_a_run_without_a_finished_trial_ends_with_the_verdict(run_tuned, tmp_path, capsys):
    made = made_search(tmp_path, 8)
    failed = [t.to_dict() for t in made.unfinished]
    assert run_tuned(assembled(made.dataset, failed)) == []
    assert "No trial has finished: there is nothing to choose." in capsys.readouterr().out


INTERRUPTING = """
import os, signal
# A shell starts what it runs in the background with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from tuning.search.progress import SearchProgress
tell, trials = SearchProgress.ended, []
def ended(self, trial, scores):
    tell(self, trial, scores)
    trials.append(trial)
    if len(trials) == 1:
        os.kill(os.getpid(), signal.SIGINT)
SearchProgress.ended = ended
from kmlp.cli import main
main()
"""


@pytest.mark.slow
def test_an_interrupted_search_is_usable_and_goes_on(tmp_path):
    """It interrupts itself, lest it be over before."""
    words = "tune mnist --tuner random --max-trials 6 --seeds 2 --max-epochs 20 --out run"
    # Batches of several sizes are stacks of their own, which do not end together.
    words += " --fix hidden_units=8 --space none --space dropout --space batch_size"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTING, *words.split()],
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 130
    assert "interrupted; the same command goes on from here" in done.stderr
    ended = [t for t in load_search(tmp_path / "run").record.trials if t.status == "done"]
    assert 1 <= len(ended) < 6
    shown = kmlp("show", "run", cwd=tmp_path)
    assert "interrupted: the command that began it goes on." in shown.stderr
    done = kmlp(*words.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = load_search(tmp_path / "run").record.trials
    assert [t.status for t in found] == ["done"] * 6
    assert [found[t.number] for t in ended] == ended
