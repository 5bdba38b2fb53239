"""The report of every task: its metric in figures, tables and captions."""

import re

import pytest

from kmlp.metrics import METRICS
from kmlp.report import write_report
from kmlp.report.figures import draw_figures
from kmlp.units import unit_in
from tests.hand_made import hand_made


@pytest.fixture(params=METRICS)
def made(request, tmp_path):
    made = hand_made(tmp_path, request.param)
    made.folder.write_json("results.json", made.results)
    return made


def text_of(page: str) -> str:
    """What a reader sees, without the figures, in one line."""
    without = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", without).split())


def test_the_page_is_in_the_tasks_metric(made):
    page = write_report(made.folder.path).read_text()
    text, results = text_of(page), made.results
    unit = unit_in(results)
    assert f"Test {unit.title} by variant" in text
    assert f"Test {unit.axis} {unit.arrow} 95 % interval SD" in text
    for variant in results["variants"]:
        assert f"<strong>{unit.value(variant['test'][unit.metric]['mean'])}</strong>" in page
    for metric in METRICS[made.dataset["task"]]:
        other = unit_in(results, metric)
        assert f"{other.axis} {other.arrow}" in text
        assert other.value(results["variants"][0]["test"][metric]["mean"]) in text
    for sentence in results["verdict"]:
        assert sentence in text
    assert page.count("<svg") == 3


def test_a_regressions_page_says_where_better_is(tmp_path):
    made = hand_made(tmp_path, "regression")
    made.folder.write_json("results.json", made.results)
    text = text_of(write_report(tmp_path).read_text())
    assert "Left of the line is better." in text
    assert "An error of 1 is what the targets' mean would get." in text
    assert "Minus none 95 % interval" in text
    for word in ("accuracy", "points", "cross-entropy", " %)"):
        assert word not in text


def test_a_classifications_page_is_in_points(tmp_path):
    made = hand_made(tmp_path, "binary")
    made.folder.write_json("results.json", made.results)
    text = text_of(write_report(tmp_path).read_text())
    assert "Right of the line is better." in text
    assert "Minus none, points 95 % interval" in text
    assert "Class sound holds 90 % of the test rows" in text
    assert "Wins balanced accuracy, % ↑ Ensemble, % ↑" in text


def test_axes_are_labelled_with_the_metric(tmp_path, monkeypatch):
    labels = []
    for name in ("scores", "differences"):
        monkeypatch.setattr(
            f"kmlp.report.figures.plots.draw_{name}",
            lambda ax, values, *, xlabel, **_: labels.append((xlabel, values)),
        )
    monkeypatch.setattr(
        "kmlp.report.figures.plots.draw_curves",
        lambda ax, runs, *, ylabel: (ax.plot([0, 1], label="x"), labels.append((ylabel, runs))),
    )
    made = hand_made(tmp_path, "regression")
    draw_figures(made.folder, made.results)
    (scores, of_scores), (differences, of_differences), (curves, runs), _ = labels
    assert scores == "test RMSE ↓"
    assert differences == "test RMSE minus none (same seed) ↓"
    assert curves == "MSE / variance of the targets"
    assert of_scores["none"].tolist() == pytest.approx([10 + s / 10 for s in range(6)], abs=1e-5)
    assert of_differences["dropout=0.2"].tolist() == pytest.approx([-1.0] * 6, abs=1e-5)
    assert len(runs["l2=0.0005"]) == 6
