"""The report of every task: what it says, where it lies, what it needs."""

import base64
import csv
import html
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pypdf
import pytest
from matplotlib.figure import Figure as Canvas
from PIL import Image

from kmlp.config import StudyConfig
from kmlp.data import load_dataset
from kmlp.data.sources import sample_folder
from kmlp.errors import RunFolderError
from kmlp.report import limits, write_report
from kmlp.report.images import find_test_images
from kmlp.report.plots import PALETTE
from kmlp.report.plots.promises import Cloud, draw_promises
from kmlp.report.sections import scores, training
from kmlp.report.study import reproduce_command, study_report
from kmlp.report.write import write_files
from kmlp.stats.formatting import p_value
from kmlp.stats.metrics import METRICS
from kmlp.study.environment import Environment, read_environment
from kmlp.study.results.networks import read_networks
from kmlp.study.results.records.study import StudyResults
from tests.hand_made import hand_made, record

pytestmark = pytest.mark.page

FIGURES = {
    "classes": (
        "differences",
        "scores",
        "promises",
        "epochs",
        "curves",
        "gaps",
        "confusion",
        "reliability",
    ),
    "regression": ("differences", "scores", "promises", "epochs", "curves", "gaps", "residuals"),
}


@pytest.fixture(scope="module", params=METRICS)
def made(request, tmp_path_factory):
    """A run folder of each task with its report."""
    made = hand_made(tmp_path_factory.mktemp(request.param), request.param)
    made.folder.write_json("results.json", made.results)
    write_report(made.folder.path)
    return made


def page_of(made) -> str:
    return (made.folder.path / "report.html").read_text()


def text_of(page: str) -> str:
    """What a reader sees, without the figures, in one line."""
    without = re.sub(r"<(style|svg).*?</\1>|<wbr>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


def names_of(made) -> tuple[str, ...]:
    return FIGURES["regression" if made.dataset["task"] == "regression" else "classes"]


def rewritten(made, **changes):
    """The page of a run folder with other results than it has."""
    return text_with(made, {**made.results, **changes})


def text_with(made, results):
    report = study_report(made.folder, StudyResults.model_validate(results))
    return text_of(write_files(made.folder.path, "study", report, report.tables).read_text())


def test_the_numbers_are_those_of_the_members(made):
    """Each recomputed from what the members were given, not from the results."""
    text, unit = text_of(page_of(made)), made.record.unit()
    for variant in ("none", "dropout", "l2"):
        outputs = np.array([made.outputs[variant, seed] for seed in range(6)], float)
        if made.dataset["task"] == "regression":
            scores = np.sqrt(((outputs - made.truth) ** 2).mean(axis=1))
        else:
            scores = 100 * (outputs.argmax(axis=2) == made.truth).mean(axis=1)
        half = 2.5705818 * scores.std(ddof=1) / 6**0.5
        low, high = scores.mean() - half, scores.mean() + half
        digits = unit.decimals
        expected = f"{scores.mean():.{digits}f} {low:.{digits}f} to {high:.{digits}f}"
        assert expected in text


def test_the_page_holds_the_verdict_the_tables_and_every_metric(made):
    text, results = text_of(page_of(made)), made.results
    unit = made.record.unit()
    assert f"Test {unit.axis} {unit.arrow} 95 % interval" in text
    for metric in METRICS[made.dataset["task"]]:
        other = made.record.unit(metric)
        assert f"{other.axis} {other.arrow}" in text
        assert other.value(results["variants"][0]["test"][metric]["mean"]) in text
    for sentence in results["verdict"]:
        assert sentence in text
    for variant in results["variants"]:
        if versus := variant["versus_baseline"]:
            assert p_value(versus["p_holm"]) in text
            assert unit.interval(versus["ci95"], signed=True) in text
            assert f"{versus['wins']} of 6" in text
    assert made.dataset["sha256"] in text
    assert "kmlp.run_study(config" in text, "arrays come from Python"


def test_the_answer_and_what_changes_its_reading_stand_first(tmp_path):
    made = hand_made(tmp_path, "multiclass", 8, facts={"source": "sample"})
    sample = made.record.answer.caveats[0]
    write_report(tmp_path)
    page = text_of((tmp_path / "report.html").read_text())
    said = page.index(f"Helps {made.record.answer.text}")
    assert said < page.index(sample) < page.index("Verdict dropout=0.2 has the best")
    assert page.count(sample) == 1, "the verdict does not say it again"
    first = pypdf.PdfReader(tmp_path / "report.pdf").pages[0].extract_text()
    letters = [re.sub(r"\W", "", s) for s in (first, made.record.answer.text, sample)]
    assert letters[1] in letters[0]
    assert letters[2] in letters[0]


def test_a_study_that_is_not_finished_says_so_first(tmp_path):
    made = hand_made(tmp_path, "multiclass", 8)
    report = study_report(made.folder, made.record, num_missing=3)
    assert report.answer.caveats[0].startswith("3 networks are not trained yet")


def test_the_page_needs_nothing_else(made):
    page = page_of(made)
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!#|data:image/png;base64,)""", page)
    assert not re.search(r"url\((?!#)|@import|@font-face", page)


@pytest.mark.slow
def test_every_figure_is_there_at_two_widths_and_says_what_it_shows(made):
    page, names = page_of(made), names_of(made)
    expected = len(names)
    report = study_report(made.folder, made.record)
    assert {f.name for f in report.figures} == set(names)
    assert len(re.findall(r'<svg class="wide" role="img" aria-label="[^"]{20,}"', page)) == expected
    assert (
        len(re.findall(r'<svg class="narrow" role="img" aria-label="[^"]{20,}"', page)) == expected
    )
    assert page.count("<figcaption>") >= expected
    for name in names:
        svg = (made.folder.path / "figures" / f"{name}.svg").read_text()
        assert svg.startswith("<?xml")
        assert "<title>" in svg
        assert "<text" in svg


def test_every_axis_has_its_unit(made):
    unit, path = made.record.unit(), made.folder.path / "figures"
    is_regression = made.dataset["task"] == "regression"
    loss = "MSE / variance of the targets" if is_regression else "cross-entropy, nats"
    expected = {
        "scores": f"test {unit.axis} {unit.arrow}",
        "curves": loss,
        "gaps": "gap in RMSE" if is_regression else "gap in cross-entropy, nats",
        "epochs": "epoch",
        "promises": f"validation {unit.axis}",
        "differences": f"test {unit.title} minus none"
        + (f" {unit.arrow}" if is_regression else f", points {unit.arrow}"),
    }
    for name, label in expected.items():
        assert f">{label}</text>" in (path / f"{name}.svg").read_text()


def test_figures_take_the_pages_colours_and_their_ids_do_not_clash(made):
    page = page_of(made)
    for shade in re.findall(r"#[0-9a-f]{6}", "".join(re.findall(r"<svg.*?</svg>", page, re.S))):
        assert shade not in PALETTE.values()
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    referred = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page)
    assert {name for pair in referred for name in pair if name} <= set(ids)


def test_the_command_that_makes_a_study_again_names_its_file_from_where_it_was_made():
    """A bare study.toml is there in no folder from which the data's own path leads to them."""
    command = reproduce_command("file", Path("runs/my members"))
    assert command == "kmlp study 'runs/my members/study.toml' --out 'runs/my members-again'"


def test_the_pdf_says_the_same(made):
    reader = pypdf.PdfReader(made.folder.path / "report.pdf")
    text = " ".join(" ".join(p.extract_text() for p in reader.pages).split())
    assert reader.metadata.title == "Which regularizer helps on made?"
    unit = made.record.unit()
    for variant in made.results["variants"]:
        assert unit.interval(variant["test"][unit.metric]["ci95"]) in text
    first = made.results["verdict"][0]
    # Lines may be broken within words, which says nothing of the content.
    assert re.sub(r"\W", "", first) in re.sub(r"\W", "", text)
    assert "How to make it again" in text


def test_the_tables_hold_every_number_unrounded(made):
    tables = made.folder.path / "tables"
    metric = made.results["metric"]["name"]
    rows = list(csv.DictReader(io.StringIO((tables / "members.csv").read_text())))
    assert len(rows) == 18
    for row, member in zip(rows, made.results["members"], strict=True):
        assert float(row[f"test_{metric}"]) == member["test"][metric]
    variants = list(csv.DictReader(io.StringIO((tables / "variants.csv").read_text())))
    by_name = {v["name"]: v for v in made.results["variants"]}
    for row in variants:
        summary = by_name[row["variant"]]["test"][metric]
        assert float(row[f"test_{metric}_mean"]) == summary["mean"]
        assert float(row[f"test_{metric}_ci95_low"]) == summary["ci95"][0]
    compared = list(csv.DictReader(io.StringIO((tables / "comparisons.csv").read_text())))
    first = next(r for r in compared if (r["variant"], r["against"]) == ("l2", "baseline"))
    assert float(first["p_holm"]) == by_name["l2"]["versus_baseline"]["p_holm"]
    assert float(first["ci95_high"]) == by_name["l2"]["versus_baseline"]["ci95"][1]


def test_a_table_for_spreadsheets_has_the_digits_of_the_page_and_standard_errors(made):
    unit = made.record.unit()
    text = (made.folder.path / "tables" / "ranking.csv").read_text()
    rows = {row["variant"]: row for row in csv.DictReader(io.StringIO(text))}
    for variant in made.record.variants:
        test, row = variant.test[unit.metric], rows[variant.name]
        assert row[f"test {unit.axis}"] == unit.value(test.mean)
        assert row["SE"] == unit.value(test.se)
        if versus := variant.versus_baseline:
            assert row["minus none"] == unit.signed(versus.difference)
            assert row["Holm p"] == p_value(versus.p_holm)
    assert rows["none"]["minus none"] == ""


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes(made, tmp_path):
    write_report(made.folder.path, tmp_path)
    written = sorted(p for p in tmp_path.rglob("*.*") if p.is_file() and p.name != ".kmlp")
    assert len(written) > 10
    for path in written:
        before = made.folder.path / path.relative_to(tmp_path)
        assert path.read_bytes() == before.read_bytes(), path


@pytest.mark.slow
def test_nothing_trains_and_no_tensorflow_is_loaded(made, tmp_path):
    check = (
        "import sys, kmlp; kmlp.write_report(sys.argv[1], sys.argv[2]);"
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", check, str(made.folder.path), str(tmp_path)]
    subprocess.run(command, check=True)


def test_a_regressions_page_speaks_of_no_classes(tmp_path):
    made = hand_made(tmp_path, "regression")
    text = rewritten(made)
    assert "Further left is better." in text
    assert "An error of 1 is what the targets' mean would get." in text
    for word in ("accuracy", "points", "cross-entropy", "Expected calibration error", "misread"):
        assert word not in text


def test_a_binary_page_shows_balanced_accuracy_and_calibration(tmp_path):
    text = rewritten(hand_made(tmp_path, "binary"))
    assert "Further right is better." in text
    assert "Class sound holds 90 % of the test rows" in text
    assert "Wins balanced accuracy, % ↑ Ensemble, % ↑" in text
    assert "is it right in 80 % of cases?" in text


def test_tied_variants_stand_in_one_group(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    results = made.results
    for variant in results["variants"]:
        variant["tied_with_best"] = variant["name"] != "l2"
    text = rewritten(made, variants=results["variants"])
    table = text[text.index("and what cannot be told apart from it") :]
    places = [table.index(w) for w in ("none", "Worse than dropout=0.2", "l2=0.0005")]
    assert places == sorted(places)


def test_a_variant_stands_on_the_side_of_its_paired_difference(tmp_path):
    """Means over other seeds may say the opposite."""
    made = hand_made(tmp_path, "multiclass")
    results = made.results
    for variant in results["variants"]:
        if variant["name"] == "l2":
            variant["tied_with_best"] = False
            variant["versus_best"] = {**variant["versus_best"], "difference": 0.01}
    text = rewritten(made, variants=results["variants"])
    assert "Better on the test set than dropout=0.2" in text
    assert "Worse than dropout=0.2" not in text


def test_one_seed_has_a_report_without_intervals(tmp_path):
    made = hand_made(tmp_path, "multiclass", num_seeds=1)
    text = rewritten(made)
    assert "the ensemble of all" not in text
    assert "one network (seed 0)" in page_of(made)


def test_a_study_without_a_finished_network_says_so(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    for by_seed in made.plan.ids.values():
        for id in by_seed.values():
            outputs = made.outputs["none", 0]
            record(made.folder, id, "multiclass", made.truth, outputs, status="diverged")
    assert "No network finished" in rewritten(made)


def test_a_baseline_that_diverged_is_compared_with_nothing(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    for seed, id in made.plan.ids["none"].items():
        outputs = made.outputs["none", seed]
        record(made.folder, id, "multiclass", made.truth, outputs, status="diverged")
    text = rewritten(made)
    assert "Every comparison" not in text
    assert "dropout=0.2" in text


def test_without_validation_rows_there_is_no_gap(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    for (variant, seed), outputs in made.outputs.items():
        scores = made.results["members"][0]["train"]
        metrics = {"train": scores, "val": {}, "test": scores}
        id = made.plan.ids[variant][seed]
        record(made.folder, id, "multiclass", made.truth, outputs, metrics=metrics)
    assert "generalization gap" not in rewritten(made)


def test_fourteen_variants_keep_their_names_apart(tmp_path):
    """Small panels with one name each, whatever their number: no legend of variants."""
    made = hand_made(tmp_path, "multiclass")
    results = made.results
    template = results["variants"][1]
    results["variants"] = [results["variants"][0]] + [
        {**template, "name": f"variant_{i}", "strength": ""} for i in range(13)
    ]
    results["members"] = [
        {**m, "variant": f"variant_{i}"}
        for i in range(13)
        for m in results["members"]
        if m["variant"] == "dropout"
    ] + [m for m in results["members"] if m["variant"] == "none"]
    record = StudyResults.model_validate(results)
    networks = read_networks(made.folder, record)
    figure = training.curves(record, networks, "cross_entropy", "curves")
    assert figure is not None
    for svg in (figure.wide, figure.narrow):
        assert all(f">variant_{i}</text>" in svg for i in range(13))
        assert svg.count(">training</text>") == 1


@pytest.fixture
def of_images(tmp_path):
    """A finished run on the sample of MNIST, none of which was trained."""
    data = load_dataset(sample_folder("mnist"))
    facts = {
        "name": "mnist",
        "sha256": data.provenance.sha256,
        "input_shape": [28, 28],
        "input_dtype": "uint8",
    }
    made = hand_made(tmp_path, "multiclass", facts=facts)
    environment = made.folder.read_json("environment.json")
    environment["data"]["location"] = str(sample_folder("mnist"))
    made.folder.write_json("environment.json", environment)
    return made


def test_misread_images_are_read_again_from_where_they_lay(of_images):
    made = of_images
    page = write_report(of_images.folder.path).read_text()
    found = re.findall(r'<img alt="(\w) *, read as (\w)" src="data:image/png;base64,([^"]+)"', page)
    said = np.stack([made.outputs["dropout", seed].argmax(axis=1) for seed in range(6)])
    assert len(found) == min(12, (said != made.truth).any(axis=0).sum())
    data = load_dataset(sample_folder("mnist"))
    number = int(re.search(r"no\. (\d+)", page)[1])
    image = Image.open(io.BytesIO(base64.b64decode(found[0][2])))
    np.testing.assert_array_equal(np.asarray(image), data.x_test[number])


def test_other_images_are_left_out_and_the_page_says_so(of_images):
    """The networks were trained on other rows than lie there now."""
    made = hand_made(of_images.folder.path / "other", "multiclass", facts={"sha256": "1" * 64})
    environment = of_images.folder.read_json("environment.json")
    environment["dataset"]["sha256"] = "1" * 64
    made.folder.write_json("environment.json", environment)
    page = write_report(made.folder.path).read_text()
    assert "<img" not in page
    assert "The misread images are left out" in page


def test_images_are_never_downloaded_for_a_report(of_images, monkeypatch):
    def fail(*_):
        raise AssertionError("a report went to the network")

    monkeypatch.setattr("kmlp.data.sources.download", fail)
    environment = of_images.folder.read_json("environment.json")
    environment["data"]["location"] = "/nowhere"
    images = find_test_images(Environment.model_validate(environment))
    assert images.shape == (1000, 28, 28)


def test_tables_have_no_images(tmp_path):
    made = hand_made(tmp_path, "binary", facts={"input_shape": [30]})
    assert find_test_images(read_environment(made.folder)) is None


def test_limits_quote_the_simulations_that_are_there():
    calibration = {
        "num_variants": 8,
        "coverage": {"t": {"normal": {"5": 0.948, "10": 0.95}, "lognormal": {"5": 0.805}}},
        "false_verdicts": {"normal": {"6": 0.0, "10": 0.031}},
        "second_look": 0.073,
    }
    coverage, false, second = limits.simulated(limits.Calibration(**calibration))
    assert "normal: 94.8 % at 5, 95.0 % at 10 seeds; lognormal: 80.5 % at 5 seeds" in coverage
    assert "of 8 variants without any effect" in false
    assert "normal: 0.0 % at 6, 3.1 % at 10 seeds" in false
    assert "7.3 % of such studies" in second
    assert limits.simulated(limits.Calibration()) == []


def test_a_folder_that_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"no study\.toml; is this a run folder\?"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_study_file_in_the_page_is_the_one_that_makes_it_again(made, tmp_path):
    code = re.findall(r"<pre>(.*?)</pre>", page_of(made), re.S)[1]
    path = tmp_path / "study.toml"
    path.write_text(code.replace("&#34;", '"'))
    from kmlp.config.study_file import read_study_file

    assert read_study_file(path) == StudyConfig.from_dict(made.plan.config.to_dict())


def test_results_json_is_not_touched(made):
    assert json.loads((made.folder.path / "results.json").read_text()) == json.loads(
        json.dumps(made.results)
    )


def test_a_metric_that_no_network_was_scored_by_has_no_column(made):
    """A folder that an earlier release began lacks what was scored since."""
    results, lacking = made.results, METRICS[made.dataset["task"]][1]
    for variant in results["variants"]:
        del variant["test"][lacking]
    (before,) = scores.others_section(made.record).blocks
    (after,) = scores.others_section(StudyResults.model_validate(results)).blocks
    assert len(after.columns) == len(before.columns) - 1


def test_what_validation_promised_stands_beside_what_the_test_set_gave(made):
    """Hand-made networks validate as they test; then validation promises more than that."""
    results, unit = made.results, made.record.unit()
    (figure,) = scores.promises_section(made.record).blocks
    best = next(v for v in results["variants"] if v["name"] == results["best"]["variant"])
    same = unit.with_unit(best["test"][unit.metric]["mean"])
    assert f"mean {unit.title} {same} there, {same} on the test set" in figure.caption
    side = "below" if unit.higher_is_better else "above"
    assert f"{side} the dashed line the test set gave less" in figure.caption
    for member in results["members"]:
        if member["variant"] == best["name"]:
            member["val"][unit.metric] = 0.5
    (figure,) = scores.promises_section(StudyResults.model_validate(results)).blocks
    assert f"{unit.with_unit(0.5)} there, {same} on the test set" in figure.caption


def test_a_dot_is_a_network_at_its_two_scores():
    cloud = Cloud("chosen", np.array([80.0, 84.0]), np.array([70.0, 76.0]))
    ax = draw_promises(Canvas().subplots(), [cloud])
    assert ax.collections[0].get_offsets().tolist() == [[80.0, 70.0], [84.0, 76.0]]
    mean, equal = ax.lines
    assert mean.get_xydata().tolist() == [[82.0, 73.0]]
    assert equal.get_xdata().tolist() == equal.get_ydata().tolist() == list(ax.get_xlim())


def test_validation_is_told_from_test_and_the_chosen_and_the_baseline_from_others(made):
    results, unit = made.results, made.record.unit()
    results["members"] = [{**m, "val": {unit.metric: 0.5}} for m in results["members"]]
    record = StudyResults.model_validate(results)
    clouds = {v.name: scores._cloud(record, v, unit) for v in record.variants}
    for name, cloud in clouds.items():
        own = [m for m in results["members"] if m["variant"] == name]
        assert cloud.promised.tolist() == [0.5 * unit.scale] * len(own)
        assert cloud.given.tolist() == [unit.scale * m["test"][unit.metric] for m in own]
    roles = {name: cloud.role for name, cloud in clouds.items()}
    assert roles == {"none": "baseline", "dropout": "chosen", "l2": "unclear"}


def test_without_validation_rows_nothing_was_promised(made):
    results = made.results
    for variant in results["variants"]:
        variant["val"] = {}
    assert scores.promises_section(StudyResults.model_validate(results)) is None
