"""Every number of `results.json`, computed again from the ledger and the arrays.

None of kmlp's own statistics are used here: the ledger is read as SQLite, the arrays as NPZ, and
each number is written out once more in plain NumPy and SciPy, often by another formula.
"""

import itertools
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from tests.hand_made import HandMade, hand_made, record

pytestmark = pytest.mark.long

TASKS = ("binary", "multiclass", "regression")
HIGHER = {"accuracy": 1, "rmse": -1}


@pytest.fixture(params=TASKS)
def study(request, tmp_path) -> HandMade:
    """Noisy members instead of exact ones, one of them diverged: no number is round."""
    made = hand_made(tmp_path, request.param)
    rng = np.random.default_rng(5)
    n = len(made.truth)
    hardness = rng.normal(size=n)
    shift = {"none": 0.0, "dropout": 0.8, "l2": -0.3}
    for (variant, seed), id in ids(made).items():
        status = "diverged" if (variant, seed) == ("l2", 4) else "done"
        if request.param == "regression":
            noise = (2.5 - shift[variant]) * rng.normal(size=n) * np.exp(hardness / 3)
            outputs = (made.truth + noise).astype(np.float32)
        else:
            logits = rng.normal(size=(n, len(made.dataset["class_names"])))
            logits[np.arange(n), made.truth] += 1.2 + shift[variant] + hardness
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            outputs = logs.astype(np.float32)
        record(made.folder, id, request.param, made.truth, outputs, status=status)
    return made


def ids(made: HandMade) -> dict[tuple[str, int], str]:
    return {(v, s): id for v, by_seed in made.plan.ids.items() for s, id in by_seed.items()}


def ledger(run: Path) -> dict[str, dict]:
    with sqlite3.connect(run / "ledger.sqlite") as connection:
        return {id: json.loads(r) for id, r in connection.execute("SELECT id, record FROM member")}


def outputs_of(run: Path, id: str) -> np.ndarray:
    with np.load(run / "arrays" / f"{id}.npz") as file:
        name = next(n for n in file if n.startswith("test_"))
        return file[name].astype(float)


def scores_of(truth: np.ndarray, outputs: np.ndarray, task: str) -> dict[str, float]:
    if task == "regression":
        mse = metrics.mean_squared_error(truth, outputs)
        return {
            "rmse": mse**0.5,
            "mae": metrics.mean_absolute_error(truth, outputs),
            "mape": metrics.mean_absolute_percentage_error(truth, outputs) if truth.all() else None,
            "r2": metrics.r2_score(truth, outputs),
            "mse": mse,
        }
    said = outputs.argmax(axis=1)
    classes = range(outputs.shape[1])
    odds = outputs - np.log1p(-np.exp(outputs))
    areas = [metrics.roc_auc_score(truth == c, odds[:, c]) for c in classes]
    # Of a binary task it is class 1's alone: which class is the positive one matters here.
    positive = [1] if len(classes) == 2 else classes
    precisions = [metrics.average_precision_score(truth == c, odds[:, c]) for c in positive]
    return {
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
        "auc": np.mean(areas),
        "average_precision": np.mean(precisions),
        "macro_f1": metrics.f1_score(truth, said, average="macro"),
        "cross_entropy": -np.mean([outputs[i, c] for i, c in enumerate(truth)]),
        "brier_score": np.mean(
            [
                ((np.exp(o) - np.eye(len(o))[c]) ** 2).sum()
                for o, c in zip(outputs, truth, strict=True)
            ]
        ),
    }


def without_nan(scores: dict[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in scores.items()}


def raw_scores(truth: np.ndarray, outputs: np.ndarray, task: str) -> np.ndarray:
    """`(k, n)`: right or wrong, or the squared error."""
    if task == "regression":
        return (outputs - truth) ** 2
    return (outputs.argmax(axis=2) == truth).astype(float)


def row_table(truth: np.ndarray, outputs: np.ndarray, task: str) -> np.ndarray:
    """`(k, n)`: right or wrong; of an RMSE what leaving each row out does to it."""
    if task != "regression":
        return raw_scores(truth, outputs, task)
    squared = raw_scores(truth, outputs, task)
    rmse = np.sqrt(squared.mean(axis=1, keepdims=True))
    return rmse + (squared - rmse**2) / (2 * rmse)


def two_way_half_width(table: np.ndarray) -> float:
    """From the mean squares of a two-way analysis of variance, Student's factor for seeds."""
    k, n = table.shape
    total, by_seed, by_row = table.mean(), table.mean(axis=1), table.mean(axis=0)
    ms_seed = n * ((by_seed - total) ** 2).sum() / (k - 1)
    ms_row = k * ((by_row - total) ** 2).sum() / (n - 1)
    sum_of_squares = ((table - total) ** 2).sum() - ms_seed * (k - 1) - ms_row * (n - 1)
    ms_rest = sum_of_squares / ((k - 1) * (n - 1))
    seeds = stats.t.ppf(0.975, k - 1) ** 2 * ms_seed
    return float(np.sqrt((seeds + 1.96**2 * max(ms_row - ms_rest, 0.0)) / (k * n)))


def sign_flip(differences: np.ndarray) -> float:
    sums = [
        abs(np.dot(s, differences)) for s in itertools.product((1, -1), repeat=len(differences))
    ]
    return float(np.mean(np.array(sums) >= abs(differences.sum()) - 1e-9))


def signed_rank(differences: np.ndarray) -> float:
    d = np.round(differences[np.abs(differences) > 1e-9], 9)
    if not len(d):
        return 1.0
    ranks = stats.rankdata(np.abs(d))
    sums = np.array([np.dot(s, ranks) for s in itertools.product((0, 1), repeat=len(d))])
    observed = ranks[d > 0].sum()
    middle = ranks.sum() / 2
    return float(np.mean(np.abs(sums - middle) >= abs(observed - middle)))


def holm(p_values: dict[str, float]) -> dict[str, float]:
    corrected, highest = {}, 0.0
    for place, name in enumerate(sorted(p_values, key=p_values.get)):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[name]))
        corrected[name] = highest
    return corrected


def check_comparison(found: dict, differences: np.ndarray, sign: int) -> None:
    k = len(differences)
    half = stats.t.ppf(0.975, k - 1) * np.std(differences, ddof=1) / np.sqrt(k)
    mean = differences.mean()
    assert found["difference"] == pytest.approx(mean)
    assert found["ci95"] == pytest.approx((mean - half, mean + half))
    assert found["p"] == sign_flip(differences)
    assert found["wins"] == np.sum(sign * differences > 0)
    assert found["ties"] == np.sum(differences == 0)
    assert found["losses"] == np.sum(sign * differences < 0)


def check_two_way(
    found: tuple[float, float], table: np.ndarray, scores: np.ndarray, task: str
) -> None:
    """Other draws of seeds and rows, one by one, scaled to the formula's width.

    Args:
        table: `(k, n)`, see `row_table`.
        scores: `(1 or 2, k, n)`, right or wrong or squared errors, of a variant or of two whose
            difference is meant.
    """
    rng = np.random.default_rng(11)
    _, k, n = scores.shape
    drawn = []
    for _ in range(4000):
        some = scores[:, rng.integers(k, size=k)][:, :, rng.integers(n, size=n)].mean(axis=2)
        means = (some**0.5 if task == "regression" else some).mean(axis=1)
        drawn.append(means[0] - means[1] if len(means) > 1 else means[0])
    half = two_way_half_width(table)
    deviations = (np.array(drawn) - np.mean(drawn)) / np.std(drawn) * half / 1.96
    expected = table.mean() + np.quantile(deviations, (0.025, 0.975))
    assert found == pytest.approx(expected, abs=0.12 * half)


def test_every_number_is_computed_again(study):
    run, task, truth = study.folder.path, study.dataset["task"], study.truth
    results = json.loads(json.dumps(study.results))
    records = ledger(run)
    metric = results["metric"]["name"]
    sign = HIGHER[metric]
    seeds = {
        v: [s for s, id in by_seed.items() if records[id]["status"] == "done"]
        for v, by_seed in study.plan.ids.items()
    }
    assert seeds["l2"] == [0, 1, 2, 3, 5]
    outputs = {k: outputs_of(run, id) for k, id in ids(study).items()}
    score = {k: scores_of(truth, o, task)[metric] for k, o in outputs.items()}

    def differences(variant: str, other: str) -> np.ndarray:
        common = [s for s in seeds[variant] if s in seeds[other]]
        return np.array([score[variant, s] - score[other, s] for s in common])

    def check_rows(found: tuple[float, float], *names: str) -> None:
        common = [s for s in seeds[names[0]] if s in seeds[names[-1]]]
        members = [np.stack([outputs[name, s] for s in common]) for name in names]
        tables = [row_table(truth, o, task) for o in members]
        table = tables[0] - tables[1] if len(tables) > 1 else tables[0]
        check_two_way(found, table, np.stack([raw_scores(truth, o, task) for o in members]), task)

    for member in results["members"]:
        stored = records[member["id"]]
        assert member["id"] == study.plan.ids[member["variant"]][member["seed"]]
        for name in ("best_epoch", "stopped_epoch", "seconds", "status"):
            assert member[name] == stored[name]
        for part in ("train", "val", "test"):
            assert member[part] == without_nan(stored["metrics"][part])
        again = scores_of(truth, outputs[member["variant"], member["seed"]], task)
        assert member["test"] == pytest.approx(again)

    variants = {v["name"]: v for v in results["variants"]}
    for name, variant in variants.items():
        done = [records[study.plan.ids[name][s]] for s in seeds[name]]
        assert (variant["num_members"], variant["num_diverged"]) == (len(done), 6 - len(done))
        for part, scored in itertools.product(("train", "val", "test"), variant["test"]):
            x = np.array([r["metrics"][part][scored] for r in done])
            found = variant[part][scored]
            sd, half = x.std(ddof=1), stats.t.ppf(0.975, len(x) - 1) * stats.sem(x)
            assert [found[k] for k in ("mean", "sd", "se")] == pytest.approx(
                [x.mean(), sd, sd / len(x) ** 0.5]
            )
            assert found["ci95"] == pytest.approx([x.mean() - half, x.mean() + half])
            assert [found["min"], found["max"]] == [x.min(), x.max()]
        mine = np.stack([outputs[name, s] for s in seeds[name]])
        mean = mine.mean(axis=0) if task == "regression" else np.log(np.exp(mine).mean(axis=0))
        assert variant["ensemble"] == pytest.approx(scores_of(truth, mean, task))
        check_rows(variant["test_ci95_seeds_and_rows"], name)
        assert variant["test_ci95_bca"] is None  # six seeds are fewer than twenty

    compared = {name: differences(name, "none") for name in ("dropout", "l2")}
    corrected = holm({name: sign_flip(d) for name, d in compared.items()})
    for name, d in compared.items():
        versus = variants[name]["versus_baseline"]
        check_comparison(versus, d, sign)
        assert versus["p_holm"] == pytest.approx(corrected[name])
        assert versus["p_wilcoxon"] == pytest.approx(signed_rank(d))
        better = (np.sum(sign * d > 0) + np.sum(d == 0) / 2) / len(d)
        assert versus["probability_better"]["value"] == better
        # Wilson's bounds are where the score test has p 0.05.
        for bound in versus["probability_better"]["ci95"]:
            if 0 < bound < 1:
                z = (better - bound) / np.sqrt(bound * (1 - bound) / len(d))
                assert abs(z) == pytest.approx(1.95996, abs=1e-4)
        check_rows(versus["ci95_seeds_and_rows"], name, "none")
        # Bonferroni over two comparisons.
        half = stats.t.ppf(1 - 0.025 / 2, len(d) - 1) * stats.sem(d)
        at_once = versus["ci95_simultaneous"]
        assert at_once == pytest.approx([d.mean() - half, d.mean() + half])
        if "effect_size" in versus:
            assert versus["effect_size"]["value"] == pytest.approx(d.mean() / d.std(ddof=1))
        if len(d) < 6:
            assert versus["more_seeds"] is None
        else:
            # Two comparisons are open, and who adds seeds looks twice: level 0.0125, reached by
            # multiples of 2^(1 - n).
            def power(n: int, d: np.ndarray = d) -> float:
                level = (np.ceil(0.0125 * 2 ** (n - 1)) - 1) / 2 ** (n - 1)
                shift = abs(d.mean()) / d.std(ddof=1) * n**0.5
                critical = stats.t.ppf(1 - level / 2, n - 1)
                return 1 - stats.nct.cdf(critical, n - 1, shift) if level else 0.0

            needed = len(d) + versus["more_seeds"]
            assert power(needed) >= 0.8 or needed == len(d) + 1
            assert needed == len(d) + 1 or power(needed - 1) < 0.8

    validation = {v: variants[v]["val"][metric]["mean"] for v in variants}
    best = max(validation, key=lambda v: sign * validation[v])
    assert best == "dropout"
    loss = "mse" if task == "regression" else "cross_entropy"

    def of_lowest_loss(variant: str) -> int:
        by_seed = study.plan.ids[variant]
        return min(seeds[variant], key=lambda s: records[by_seed[s]]["metrics"]["val"][loss])

    seed, other = of_lowest_loss(best), of_lowest_loss("none")
    expected = {"variant": best, "seed": seed, "member": study.plan.ids[best][seed]}
    assert results["best"] == expected
    check_comparison(variants["l2"]["versus_best"], differences("l2", best), sign)
    assert variants["l2"]["versus_best"]["p_holm"] == variants["l2"]["versus_best"]["p"]
    assert variants["l2"]["tied_with_best"] is True  # five seeds tell nothing apart
    check_comparison(variants["none"]["versus_best"], differences("none", best), sign)
    assert variants["none"]["versus_best"]["p_holm"] == pytest.approx(corrected[best])
    assert variants["none"]["tied_with_best"] is (corrected[best] >= 0.05)

    if task == "regression":
        assert results["mcnemar"] is None
        assert results["class_shares"] == []
        return
    right, also = (
        outputs[v, s].argmax(axis=1) == truth for v, s in ((best, seed), ("none", other))
    )
    counts = metrics.confusion_matrix(right, also, labels=[False, True])
    fewer, differing = min(counts[0, 1], counts[1, 0]), counts[0, 1] + counts[1, 0]
    assert results["mcnemar"] == {
        "baseline_seed": other,
        "both_wrong": counts[0, 0],
        "only_baseline_right": counts[0, 1],
        "only_best_right": counts[1, 0],
        "both_right": counts[1, 1],
        "p": pytest.approx(min(1.0, 2 * stats.binom.cdf(fewer, differing, 0.5))),
    }
    assert results["class_shares"] == pytest.approx(np.unique(truth, return_counts=True)[1] / 40)


def test_twenty_seeds_have_a_bca_interval_of_their_own(tmp_path):
    """By Efron's formulas: the bias from the draws below the mean, the skew from the jackknife."""
    made = hand_made(tmp_path, "regression", num_seeds=20)
    for variant in made.results["variants"]:
        run = made.folder.path
        x = np.array(
            [
                scores_of(made.truth, outputs_of(run, id), "regression")["rmse"]
                for id in made.plan.ids[variant["name"]].values()
            ]
        )
        draws = np.random.default_rng(3).choice(x, (20_000, len(x))).mean(axis=1)
        below = np.mean(draws < x.mean()) + np.mean(draws == x.mean()) / 2
        bias = stats.norm.ppf(below)
        left_out = (x.sum() - x) / (len(x) - 1)
        gap = left_out.mean() - left_out
        skew = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
        z = bias + stats.norm.ppf([0.025, 0.975])
        expected = np.quantile(draws, stats.norm.cdf(bias + z / (1 - skew * z)))
        width = np.ptp(expected)
        assert variant["test_ci95_bca"] == pytest.approx(expected, abs=0.05 * width)
