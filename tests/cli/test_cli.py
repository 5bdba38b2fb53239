"""The command line as a person meets it: real commands on the bundled sample.

A few are started as a shell starts them; the others run in this process, which has TensorFlow.
"""

import html
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from kmlp.data import load_dataset
from tests.command_line import kmlp, kmlp_process

pytestmark = pytest.mark.engine
SETS = ("mnist", "fashion_mnist")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """`kmlp run` from a study file, with everything that its process printed."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "small.toml").write_text(
        'dataset = "mnist"\nvariants = ["none", "l2"]\nnum_seeds = 2\n'
        "[model]\nhidden_units = [16]\n[train]\nmax_epochs = 2\n"
    )
    done = kmlp_process("run", "small.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.mark.slow
def test_run_ends_with_the_table_the_report_and_what_to_try_next(finished):
    folder, done = finished
    assert "mnist: sample, 5,000 training and 1,000 test rows, from " in done.stderr
    assert "2 variants x 2 seeds: Training 4 networks." in done.stderr
    assert "with fewer than 6 no difference can reach p < 0.05" in done.stdout
    assert "This is the bundled sample" in done.stdout
    assert "Report: runs/small/report.html" in done.stdout
    assert "kmlp show runs/small" in done.stdout
    assert (folder / "runs/small/report.html").exists()


@pytest.mark.slow
def test_nothing_but_progress_goes_to_stderr(finished):
    """No TensorFlow notes, no warnings: every line is one of ours."""
    known = r"mnist: sample|2 seeds cannot|2 variants|Memory: |Compiling |\d+ of 4|kmlp: the full|$"
    for line in finished[1].stderr.splitlines():
        assert re.match(known, line), line


def test_the_report_is_one_page_that_needs_nothing_else(finished):
    page = (finished[0] / "runs/small/report.html").read_text()
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!#|data:image/png;base64,)""", page)
    results = json.loads((finished[0] / "runs/small/results.json").read_text())
    for variant in results["variants"]:
        assert f"<strong>{100 * variant['test']['accuracy']['mean']:.2f}</strong>" in page
    text = html.unescape(page).replace("\N{NO-BREAK SPACE}", " ")
    for sentence in results["verdict"]:
        assert sentence in text
    assert results["dataset"]["sha256"] in page
    # The images are the sample's, found again where they lay.
    assert page.count("<img") == 12


def test_report_says_where_everything_lies(finished):
    folder, _ = finished
    done = kmlp("report", "runs/small", cwd=folder)
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["Report:"] == "runs/small/report.html"
    for name in ("Report:", "PDF:", "SVG:", "CSV:"):
        assert (folder / lines[name]).exists()


@pytest.mark.slow
def test_report_puts_studies_side_by_side(finished):
    folder, _ = finished
    done = kmlp("report", "runs/small", "runs/small", "--out", "both", cwd=folder)
    assert "Report: both/comparison.html" in done.stdout
    assert (folder / "both/comparison.pdf").read_bytes().startswith(b"%PDF")


def test_run_exports_and_shows_test_images_with_what_they_are(finished):
    folder, done = finished
    assert "The exported model on the test images " in done.stdout
    assert re.search(r"predicted \d \d+ %", done.stdout)
    assert len(re.findall(r"true \d [✓✗]", done.stdout)) == 4
    assert "Model:  saved_models/mnist/1" in done.stdout
    assert (folder / "saved_models/mnist/1/model_card.md").exists()


def test_predictions_go_to_stdout_as_json_lines(finished, tmp_path):
    folder, _ = finished
    np.save(tmp_path / "x.npy", load_dataset("mnist").x_test[:3])
    done = kmlp("predict", "saved_models/mnist", str(tmp_path / "x.npy"), "--json", cwd=folder)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["input"] for line in lines] == ["0", "1", "2"]
    assert all(line["class"] == str(line["label"]) for line in lines)
    assert done.stderr == ""


def test_evaluate_prints_intervals_and_the_confusion_matrix(finished):
    folder, _ = finished
    text = kmlp("evaluate", "saved_models/mnist", "mnist", cwd=folder).stdout
    found = kmlp("evaluate", "saved_models/mnist", "mnist", "--json", cwd=folder)
    scores = json.loads(found.stdout)
    assert np.sum(scores["confusion"]) == scores["num_rows"] == 1000
    low, high = (100 * bound for bound in scores["accuracy"]["ci95"])
    accuracy = f"accuracy {100 * scores['accuracy']['value']:.2f} %"
    assert f"{accuracy} (95 % interval {low:.2f} to {high:.2f} over 1,000 test rows (sample" in text
    assert len(re.findall(r"^\d ", text, re.MULTILINE)) == 10


def test_an_ensemble_is_exported_under_the_name_given(finished):
    folder, _ = finished
    done = kmlp("export", "runs/small", "--member", "ensemble", "--out", "m/both", cwd=folder)
    assert done.stdout == "m/both/1\n"
    assert re.match(r"variant '(none|l2)', ensemble of 2\nsha256 ", done.stderr)
    manifest = json.loads((folder / "m/both/1/manifest.json").read_text())
    assert [m["seed"] for m in manifest["members"]] == [0, 1]
    wrong = kmlp("export", "runs/small", "--member", "7", cwd=folder)
    assert wrong.returncode == 1
    assert "finished seeds of this one: 0, 1." in wrong.stderr


def test_show_prints_the_table_or_the_json(finished):
    folder, _ = finished
    shown = kmlp("show", "runs/small", cwd=folder)
    assert "l2=0.0005" in shown.stdout
    as_json = kmlp("show", "runs/small", "--json", cwd=folder)
    assert json.loads(as_json.stdout) == json.loads(
        (folder / "runs/small/results.json").read_text()
    )


@pytest.mark.slow
def test_the_report_is_made_again_to_the_byte_without_keras(finished):
    folder, _ = finished
    paths = [folder / f"runs/small/report.{suffix}" for suffix in ("html", "pdf")]
    before = [path.read_bytes() for path in paths]
    check = (
        "import sys; from kmlp.report import write_report; write_report('runs/small');"
        "assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", check], check=True, cwd=folder)
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.slow
def test_one_file_of_several_studies_is_one_command_and_one_pdf(tmp_path):
    (tmp_path / "search.toml").write_text(
        'dataset = "mnist"\nmax_trials = 2\nnum_seeds = 1\n[space]\npreset = "none"\n'
        "dropout = [0.0, 0.5]\n[fixed]\nhidden_units = [8]\n[train]\nmax_epochs = 1\n"
    )
    (tmp_path / "both.toml").write_text(
        'search = "search.toml"\nvariants = ["none"]\nnum_seeds = 1\n'
        "[model]\nhidden_units = [8]\n[train]\nmax_epochs = 1\n"
        + "".join(f'[[study]]\nname = "{n[:3]}"\ndataset = "{n}"\n' for n in SETS)
    )
    options = ["--sweep", "dropout=0.1,0.3"]
    done = kmlp("run", "both.toml", *options, "--author", "Ada Lovelace", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # None and two swept variants.
    assert done.stderr.count("Training 3 networks.") == 2
    paper = (tmp_path / "runs/both/comparison.tex").read_text()
    for words in ("Ada Lovelace", "search drew settings of dropout"):
        assert words in paper
    assert (tmp_path / "runs/both/comparison.pdf").read_bytes().startswith(b"%PDF")
    for name, dataset in zip(("mni", "fas"), SETS, strict=True):
        folder = tmp_path / "runs/both" / name
        results = json.loads((folder / "results.json").read_text())
        assert results["dataset"]["name"] == dataset
        assert [s["field"] for s in results["sweeps"]] == ["dropout"]
        assert (folder / "report.pdf").exists()
        assert (tmp_path / "saved_models" / dataset / "1").exists()
    # As many as two comparisons take to show anything.
    words = f"{' '.join(options)} --author 'Ada Lovelace' --seeds 7"
    assert f"kmlp run both.toml --out runs/both {words}" in done.stdout


def test_a_run_folder_that_cannot_be_written_is_one_line(tmp_path):
    done = kmlp("study", "mnist", "--out", "/dev/null/a", cwd=tmp_path)
    assert done.returncode == 1
    data, *error = done.stderr.splitlines()
    assert data.startswith("mnist: sample")
    assert error == ["kmlp: /dev/null/a: cannot be written: Not a directory"]
