"""The report of a search: its numbers are those of the results, whatever became of the trials."""

import csv
import html
import io
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pypdf
import pytest
from matplotlib.figure import Figure

from kmlp.cli.report import report as report_command
from kmlp.config import StudyConfig
from kmlp.errors import ConfigError, RunFolderError
from kmlp.report.limits import calibration
from kmlp.stats.formatting import unit_of
from kmlp.study.provenance import describe, environment
from kmlp.study.run_folder import RunFolder
from kmlp.testing import LinearTrainer
from tests.hand_made import hand_made
from tests.made_search import (
    NUM_SEEDS,
    assembled,
    changed,
    made_search,
    searched,
    with_follow_up,
)
from tests.report.test_report import text_of
from tuning.report import figures, plots, tables, write_search_report
from tuning.report.remarks import remarks
from tuning.report.scales import OFF, readable_limits, scale_of
from tuning.report.terminal import results_table
from tuning.report.trials import csv_rows, standings
from tuning.report.write import write_search
from tuning.results.importance import MIN_TRIALS
from tuning.results.search_folder import SearchFolder, Trial
from tuning.space.config import SearchConfig

pytestmark = pytest.mark.page

FEW = 12
DONE = FEW - 2
"""Trials 3 and 7 have no score."""


@pytest.fixture(scope="module", params=["multiclass", "regression"])
def search(request, tmp_path_factory):
    """A search of twelve trials with fresh seeds and a test result, and its report."""
    path = tmp_path_factory.mktemp(request.param)
    results = with_follow_up(made_search(path, FEW, request.param))
    write_search(RunFolder(path), results, "made", path, "search")
    return path, results


def page_text(path) -> str:
    return text_of((path / "report.html").read_text()).replace("\N{NO-BREAK SPACE}", " ")


def read_csv(path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def reported(path, results) -> str:
    """The text of the page of other results."""
    write_search(RunFolder(path), results, "made", path, "search")
    return page_text(path)


def test_the_tables_hold_the_numbers_of_the_results(search):
    path, results = search
    rows = read_csv(path / "tables" / "trials.csv")
    assert [int(row["number"]) for row in rows] == list(range(FEW))
    for row, trial in zip(rows, results.trials, strict=True):
        assert row["status"] == trial.status
        assert (float(row["score"]) if row["score"] else None) == trial.score
        assert (float(row["se"]) if row["se"] else None) == trial.se
        assert float(row["learning_rate"]) == trial.values["learning_rate"]
        assert (row["momentum"] == "") == (trial.values["optimizer"] == "adam")
    executions = read_csv(path / "tables" / "executions.csv")
    expected = [e.score for t in results.trials for e in t.executions]
    assert [float(row["score"]) for row in executions] == expected
    assert len(executions) == NUM_SEEDS * DONE


def test_the_page_holds_every_finished_trial_with_its_score(search):
    path, results = search
    text, unit = page_text(path), results.unit
    table = text[text.index("Every trial", text.index("Every trial") + 1) :]
    words = standings(results)
    assert {*words.values()} > {"open", "worse"}
    for trial in results.finished:
        standing = f" {words[trial.number]}" * bool(words[trial.number])
        score, se = re.escape(unit.value(trial.score)), re.escape(unit.value(trial.se))
        line = rf"Trial {trial.number}{standing} {score} ± {se} 3 {trial.num_weights:,}"
        assert re.search(line, table), line


def test_the_best_and_the_simplest_of_its_ties_stand_first(search):
    path, results = search
    heads = [(c.text, c.note) for c in tables.beside(results).columns[1:]]
    picked = f"Trial {results.picked}"
    assert heads[0][0] == picked
    assert "picked" in heads[0][1]
    tied = {f"Trial {n}" for n in results.ties}
    assert {text for text, _ in heads[: len(tied)]} == tied
    assert [text for text, note in heads if "best" in note] == [f"Trial {results.best}"]
    for sentence in results.verdict:
        assert sentence in page_text(path)


def test_the_limits_quote_what_was_simulated_of_ties_and_pick(search):
    text, simulated = page_text(search[0]), calibration()
    false = simulated.search_false_verdicts["20 equal trials"]["3"]
    picked = simulated.search_choice["0.5"]["one standard error"]
    assert f"simulated, {100 * false:.1f} % of searches tell any from the best" in text
    assert f"standard error lies {picked['points']:.2f} points below the best true trial" in text


def test_trials_without_a_score_are_shown_with_the_reason(search):
    text = page_text(search[0])
    assert "Trial 3 failed the loss of seed 1 was NaN in epoch 2 learning_rate" in text
    assert "10 finished, 2 without a score, 12 asked for" in text


def test_fresh_seeds_and_the_test_set_are_reported(search):
    path, results = search
    text, unit, fresh = page_text(path), results.unit, results.fresh
    assert f"Over 10 fresh seeds trial {results.picked} has" in text
    searched, again = results.picked_trial.score, fresh.score
    assert f"{unit.value(again)} ± {unit.value(fresh.se)} {unit.signed(again - searched)}" in text
    for metric, scores in results.test.scores.items():
        own = unit_of(metric, [scores.mean])
        row = f"{own.axis} {own.arrow} Trial {results.picked} {own.value(scores.mean)} "
        row += f"± {own.value(scores.se)} "
        assert row + own.interval(scores.ci95) in text


def test_what_a_page_says_of_the_test_set_holds_after_more_trials_too(tmp_path):
    results = with_follow_up(made_search(tmp_path, FEW))
    assert "The test set was read after all was chosen" in tables.tested(results).note
    later = changed(results, followup={"num_trials": 9})
    assert later.verdict[-1] == "The test set was read before trials 9 to 11 were drawn."
    assert "The test set was read before trials 9 to 11;" in tables.tested(later).note
    assert changed(results, followup={"num_trials": 11}).verdict[-1] == (
        "The test set was read before trial 11 was drawn."
    )
    other = " ".join(changed(later, fresh=None, test=None).verdict)
    assert "has not been read" not in other
    assert "The follow-up study is not of the picked trial, or has not ended" in other
    more = {**results.settings.to_dict(), "max_trials": 20}
    assert "have begun" in " ".join(remarks(changed(later, settings=more)))
    assert "have begun" not in " ".join(remarks(changed(results, settings=more)))


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (
            (1000, 990, 2000),
            "Trial 0 is picked, with 1,000 weights: no clearly simpler one lies within one "
            "standard error of it (0.71 points, pooled over trials: one trial's own says little).",
        ),
        (
            (2000, 1000, 1500),
            "Trial 1 is picked: with 1,000 weights the simplest within one standard error of the "
            "best (0.71 points, pooled over trials: one trial's own says little).",
        ),
        (
            (2000, 1010, 1000),
            "Trial 1, with 1,010 weights, is picked: within one standard error of the best (0.71 "
            "points, pooled over trials: one trial's own says little) it is the best of those that "
            "have at most 5 % more than the fewest, 1,000.",
        ),
    ],
)
def test_the_verdict_says_by_which_rule_a_trial_is_picked(tmp_path, sizes, words):
    draws = [(0.0, 0.01, 0.02), (0.02, 0.0, 0.01), (0.01, 0.02, 0.0)]
    assert words in " ".join(of_scores(tmp_path, sizes, draws, step=0.0001).verdict)


def test_a_trial_is_near_the_best_by_its_own_spread_where_twins_have_none(tmp_path):
    scores = [(0.90, 0.80, 0.85), (0.9001, 0.80, 0.85), (0.86, 0.83, 0.855)]
    results = of_scores(tmp_path, (1000, 1000, 10), [[s - 0.9 for s in x] for x in scores])
    assert [t.number for t in results.near_best] == [1, 2]
    assert (
        "Trial 2 is picked: with 10 weights the simplest within one standard error of the best "
        "(0.0024 points, pooled over trials: one trial's own says little; of trial 2, whose "
        "differences vary more from seed to seed, 1.45)."
    ) in results.verdict[2]


def test_where_the_best_differ_by_the_same_on_every_seed_it_is_said_that_nothing_is_known(tmp_path):
    results = of_scores(tmp_path, (9, 8, 7), [(0.0, 0.01, 0.02), (-0.25, -0.24, -0.23)])
    assert results.ties == (0, 1)
    assert results.verdict[2].startswith(
        "Trial 1 cannot be told apart from it (the best trials differ by the same on each score, "
        "which says nothing of chance). Trial 0 is picked: no other"
    )


def of_scores(path, sizes, draws, step=0.0):
    """A search whose trials have these weights, and of each seed 0.9 and what its draw adds."""
    results = made_search(path, 3)
    trials = [
        {
            **trial.to_dict(),
            "num_weights": size,
            "executions": [
                {**e.to_dict(), "score": 0.9 - step * number + luck}
                for e, luck in zip(trial.executions, draw, strict=True)
            ],
        }
        for number, (trial, size, draw) in enumerate(
            zip(results.trials[: len(draws)], sizes[: len(draws)], draws, strict=True)
        )
    ]
    for trial in trials:
        trial["score"] = float(np.mean([e["score"] for e in trial["executions"]]))
    return assembled(results.dataset, trials)


@pytest.mark.parametrize(
    ("luck", "error", "words"),
    [
        (0.01, 0.002, ": 1.00 points of its score in the search were luck (standard error 0.20)."),
        (0.01, 0.006, ": 1.00 points worse than in the search (standard error 0.60), within what"),
        (-0.01, 0.006, ": 1.00 points better than in the search (standard error 0.60), within"),
        (-0.01, 0.002, ": the search's seeds had no luck with it, by 1.00 points (standard error"),
        (0.01, None, ": 1.00 points of its score in the search were luck."),
    ],
)
def test_luck_is_called_so_only_beyond_two_standard_errors(tmp_path, luck, error, words):
    results = with_follow_up(made_search(tmp_path, 5))
    fresh = {**results.fresh.to_dict(), "seed_luck": luck, "seed_luck_se": error}
    assert words in " ".join(changed(results, fresh=fresh).verdict)


def test_no_standard_error_and_no_seed_is_cut_by_the_axis():
    """Means of 45 % within a tenth of a point filled the figure, errors of 14 points left it."""
    means = [45.3, 45.2, 45.1, 45.0, 44.9, 1.0]
    found = [
        plots.Point(number=i, score=mean, se=14.4, seeds=[mean - 25, mean + 26])
        for i, mean in enumerate(means)
    ]
    low, high = plots.limits_of(found, higher_is_better=True, with_seeds=True)
    assert (low, high) == pytest.approx((44.9 - 25, 45.3 + 26), abs=2.5)
    ax = plots.draw_history(Figure().subplots(), found, [], higher_is_better=True, ylabel="%")
    assert ax.get_ylim() == (low, high)
    low, high = plots.limits_of(found, higher_is_better=True)
    assert (low, high) == pytest.approx((44.9 - 14.4, 45.3 + 14.4), abs=2.5)


def test_of_equal_trials_the_terminal_shows_the_smaller_one_first(tmp_path):
    results = made_search(tmp_path, 3)
    trials = [
        {**trial.to_dict(), "score": 0.9, "num_weights": size}
        for trial, size in zip(results.trials, (300, 100, 200), strict=True)
    ]
    results = changed(results, trials=trials)
    assert results_table(results).columns[0].cells == ("1", "2", "0")


def test_the_history_has_a_point_a_finished_trial_and_a_cross_a_failed_one(search):
    _, results = search
    drawn = figures.points(results, results.finished)
    ax = plots.draw_history(
        Figure().subplots(),
        drawn,
        [3, 7],
        higher_is_better=results.unit.higher_is_better,
        ylabel="score",
    )
    marks = [line for line in ax.lines if line.get_marker() in ("o", "D", "v", "^")]
    numbers = {round(float(m.get_xdata()[0])) for m in marks}
    assert numbers == {t.number for t in results.finished}
    inside = [m for m in marks if m.get_marker() in "oD" and m.get_markerfacecolor() != "none"]
    limits = ax.get_ylim()
    assert len(inside) == sum(limits[0] <= p.score <= limits[1] for p in drawn)
    crosses = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "x"]
    assert crosses == [3, 7]


def test_the_best_so_far_never_gets_worse(search):
    _, results = search
    unit = results.unit
    drawn = figures.points(results, results.finished)
    ax = plots.draw_history(
        Figure().subplots(), drawn, [], higher_is_better=unit.higher_is_better, ylabel="score"
    )
    steps = ax.lines[0].get_ydata()
    gains = [unit.gain(s) for s in steps]
    assert gains == sorted(gains)
    assert steps[-1] == pytest.approx(unit.scale * results.ranked[0].score)


def test_parallel_coordinates_draw_every_trial_once_the_best_on_top():
    scale = scale_of(searched("a", "bool"))
    score = scale_of(searched("s", "float", min=0, max=1, sampling="linear"))
    places = np.array([[0.25, 0.9], [0.25, 0.1], [0.75, 0.5]])
    ax = plots.draw_parallel(Figure().subplots(), [scale, score], places, width=6)
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[1] == 1]
    assert [line.get_xdata()[1] for line in lines] == [0.1, 0.5, 0.9]
    first = sorted(line.get_xdata()[0] for line in lines)
    assert first[0] < 0.25 < first[1], "equal values stand side by side"


def test_scales_are_those_of_the_sampling():
    for sampling, place in (("log", 0.5), ("linear", 0.0909)):
        rate = searched("rate", "float", min=1e-4, max=1e-2, sampling=sampling)
        assert scale_of(rate).place(1e-3) == pytest.approx(place, abs=1e-4)
    layers = searched("n", "int", min=1, max=4, sampling="linear")
    trials = [SimpleNamespace(values={}), SimpleNamespace(values={"n": 2})]
    ticks = scale_of(layers, trials).ticks(width=4)
    assert ticks[0] == (OFF, "off")
    assert [label for _, label in ticks[1:]] == ["1", "2", "3", "4"]
    units = searched("u", "choice", values=[512, 64, 128])
    labels = [label for _, label in scale_of(units).ticks(width=4)]
    assert labels == ["64", "128", "512"]


def test_a_hopeless_trial_does_not_squeeze_the_others():
    scores = [88.0, 88.5, 88.9, 89.0, 89.2, 10.0]
    low, high = readable_limits(scores, higher_is_better=True)
    assert 80 < low < 88
    assert 89.2 < high < 90
    assert readable_limits([-s for s in scores], higher_is_better=False) == (-high, -low)
    low, high = readable_limits([1.0], higher_is_better=True)
    assert low < 1 < high


def test_too_few_trials_have_no_importance_and_the_page_says_how_many_are_missing(search):
    path, _ = search
    missing = (
        f"it needs {MIN_TRIALS} configurations with a score, here are {DONE}. 20 more would do."
    )
    assert missing in page_text(path)
    assert not (path / "figures" / "importance.svg").exists()


def test_the_page_shows_the_importances_of_the_results(tmp_path):
    results = made_search(tmp_path, FEW)
    rows = [
        {"name": "units", "importance": 0.6, "sd": 0.1},
        {"name": "dropout", "importance": 0.2, "sd": 0.05},
    ]
    assert "Functional ANOVA" in reported(tmp_path, changed(results, importance=rows))
    svg = (tmp_path / "figures" / "importance.svg").read_text()
    assert svg.index(">units</text>") < svg.index(">dropout</text>")
    assert read_csv(tmp_path / "tables" / "importance.csv")[0] == {
        "name": "units",
        "importance": "0.6",
        "sd": "0.1",
    }


def test_one_trial_has_a_report(tmp_path):
    results = made_search(tmp_path, 1)
    text = reported(tmp_path, results)
    assert "Trial 0 has the best mean validation accuracy, 89." in text
    assert "No fresh seeds have been trained and the test set has not been read" in text
    assert "cannot be told apart" not in text[: text.index("The picked")]


def test_a_search_without_a_finished_trial_says_so(tmp_path):
    results = made_search(tmp_path, 8)
    failed = [t.to_dict() for t in results.unfinished]
    text = reported(tmp_path, assembled(results.dataset, failed))
    assert "No trial has finished" in text
    assert "Trial 3 failed the loss of seed 1 was NaN" in text
    assert "The picked configuration" not in text


def test_one_seed_a_trial_claims_no_ties(tmp_path):
    results = made_search(tmp_path, 5)
    trials = [t.to_dict() for t in results.trials]
    trials = [{**t, "se": None, "executions": t["executions"][:1]} for t in trials]
    best = results.best
    results = changed(results, trials=trials, ties=[best], picked=best)
    assert results.verdict[2] == (
        f"With one seed a trial no two can be told apart, nor luck from merit: trial {best}, the "
        "best, is picked; --seeds 3 says more."
    )
    # Of what nothing can tell apart none is called worse: in words, in the file and in figures.
    assert {*standings(results).values()} == {"picked, best", "open", ""}
    open_ones = {n for n, word in standings(results).items() if word == "open"}
    head, *rows = csv_rows(results)
    assert {row[head.index("number")] for row in rows if row[head.index("open")]} == open_ones
    points = figures.points(results, results.finished)
    assert {point.number for point in points if point.is_open} == open_ones
    text = reported(tmp_path, results)
    assert "standard error" not in text[: text.index("Large dots")]
    assert "±" not in text


def test_a_pick_at_the_end_of_its_range_is_said(tmp_path):
    results = made_search(tmp_path, 5)

    def said(**values) -> list[str]:
        trials = [t.to_dict() for t in results.trials]
        trials[results.picked]["values"] |= {"dropout": 0.0, "num_layers": 1, **values}
        return remarks(changed(results, trials=trials))

    (sentence,) = said(learning_rate=0.1, units=128)
    assert sentence.startswith("In the picked trial learning_rate (0.1) lies at the end")
    assert "learning_rate (0.1) and units (512) lie at" in said(learning_rate=0.1, units=512)[0]
    assert not said(learning_rate=0.001, units=256), "nothing lies below a dropout of 0"


def test_hyperbands_rounds_are_counted(tmp_path):
    results = made_search(tmp_path, 3)
    base = results.trials[0].to_dict()
    trials = [
        {**base, "number": n, "bracket": 1, "round": r, "resumed_from": f, "score": s, "epochs": e}
        for n, r, f, s, e in [
            (0, 0, None, 0.80, [3, 3, 3]),
            (1, 0, None, 0.82, [3, 3, 3]),
            (2, 1, 1, 0.88, [9, 9, 9]),
        ]
    ]
    text = reported(tmp_path, assembled(results.dataset, trials))
    assert "Bracket 1, round 0 2 3.0 82.00 trial 1 1" in text
    assert "Bracket 1, round 1 1 9.0 88.00 trial 2 0" in text
    assert (tmp_path / "figures" / "rounds.svg").exists()


def test_a_regressions_page_is_in_the_targets_unit(tmp_path):
    results = made_search(tmp_path, FEW, "regression")
    text = reported(tmp_path, results)
    unit, best = results.unit, results.ranked[0]
    assert best.score == min(t.score for t in results.finished)
    assert f"the best mean validation RMSE, {unit.value(best.score)} (standard" in text
    for word in ("accuracy", "points", "%"):
        assert word not in text[: text.index("What was searched")].replace("95 %", "")


def test_the_picked_configuration_can_be_copied_as_a_study_file(search):
    path, results = search
    page = (path / "report.html").read_text()
    commands, *_ = re.findall(r"<pre>(.*?)</pre>", page, re.S)
    # Some hundred lines, which are looked up, not read through.
    folded = page[page.index('<section class="file">\n<details>') :]
    file = re.search(r"<pre>(.*?)</pre>", folded[: folded.index("</details>")], re.S)[1]
    config = StudyConfig.from_toml(file.replace("&#34;", '"'))
    base, picked = config.resolved_variants
    assert picked.model.to_dict() == results.picked_trial.model
    assert picked.train.to_dict() == results.picked_trial.train
    assert {**base.model.to_dict(), **base.train.to_dict()} == results.settings.base
    assert (config.baseline, config.searched) == (base.name, len(results.trials))
    variant = f"'trial {results.picked}'"
    assert f"kmlp export {path}/study --variant {variant}" in html.unescape(commands)


def test_the_file_in_the_run_folder_and_the_page_are_of_the_trial_that_is_picked_now(tmp_path):
    results = made_search(tmp_path, 3)
    (tmp_path / "best.toml").write_text("# of fewer trials\n")
    assert "# of fewer trials" not in reported(tmp_path, results)
    config = StudyConfig.from_toml((tmp_path / "best.toml").read_text())
    assert config.resolved_variants[-1].model.to_dict() == results.picked_trial.model
    assert config.first_seed == NUM_SEEDS, "the search has used those below"
    page = (tmp_path / "report.html").read_text()
    shown = map(html.unescape, re.findall(r"<pre>(.*?)</pre>", page, re.S))
    assert (tmp_path / "best.toml").read_text().strip() in [text.strip() for text in shown]


def test_the_pdf_says_the_same(search):
    path, results = search
    reader = pypdf.PdfReader(path / "report.pdf")
    text = re.sub(r"\W", "", "".join(page.extract_text() for page in reader.pages))
    for sentence in results.verdict:
        assert re.sub(r"\W", "", sentence) in text


def test_the_same_folder_gives_the_same_bytes(search, tmp_path):
    path, results = search
    write_search(RunFolder(path), results, "made", tmp_path, "report")
    written = sorted(p for p in tmp_path.rglob("*.*") if p.is_file() and p.name != ".kmlp")
    assert len(written) > 6
    for file in written:
        assert file.read_bytes() == (path / file.relative_to(tmp_path)).read_bytes(), file


def test_the_page_needs_nothing_else(search):
    page = (search[0] / "report.html").read_text()
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_study_is_refused(tmp_path):
    hand_made(tmp_path, "multiclass")
    with pytest.raises(RunFolderError, match="holds a study, no search"):
        write_search_report(tmp_path)


@pytest.fixture
def interrupted(tiny, tmp_path):
    """The folder of a search that ended before its first trial did: it has no results yet."""
    config = SearchConfig(dataset="tiny", max_trials=20).for_data(tiny.spec)
    described = describe(tiny, config.validation_fraction)
    folder = SearchFolder(tmp_path / "search")
    with folder.writing():
        folder.write_json("environment.json", environment(tiny, described, LinearTrainer()))
        folder.write_text("search.toml", config.to_toml())
        values = {p.name: p.default for p in config.make_space(tiny.spec).parameters}
        folder.write_trials([Trial(number=0, batch=0, values=values)])
    return folder.path


def test_an_interrupted_search_has_a_report_of_what_is_known(interrupted):
    """Asked for on the command line; nothing is trained, and no TensorFlow is loaded."""
    check = (
        "import sys; from kmlp.cli.report import report; from pathlib import Path;"
        "report(Path(sys.argv[1]));"
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", check, str(interrupted)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout.startswith(f"Report: {interrupted}/report.html")
    text = page_text(interrupted)
    assert "Trial 0 still runs, or the search was interrupted" in text
    assert "1 of 20 trials have begun: this is what is known so far" in text


def test_a_search_is_not_put_beside_a_study(interrupted, tmp_path):
    with pytest.raises(ConfigError, match="only studies are put side by side"):
        report_command(interrupted, interrupted, out=tmp_path)
