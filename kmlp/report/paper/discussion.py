"""Bias and variance in words that follow from the numbers, and from nothing else.

What is said of a variant rests on the intervals of its ratios to the baseline that hold for bias
and variance of all variants at once. What they do not tell is said to be open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kmlp.stats.formatting import listed
from kmlp.study.results.baseline import baseline_in_words
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.decompositions import BiasVariance, CorrectedRatio
from kmlp.study.results.records.study import StudyResults

Way = Literal["less", "more", "open"]
_HALF = 50


@dataclass(frozen=True)
class Trade:
    """What one variant does to the baseline's bias and variance.

    Attributes:
        variant: its name.
        bias, variance: told less, told more, or open.
        bias_points, variance_points: the differences in percent of the baseline's squared error.
        standing: on the test set, by the corrected test: "better", "worse" or "unclear".
    """

    variant: str
    bias: Way
    variance: Way
    bias_points: float
    variance_points: float
    standing: str


def discussion(results: StudyResults) -> list[str]:
    """Paragraphs; none without a baseline whose error was taken apart."""
    entries = {entry.variant: entry for entry in results.bias_variance}
    base = entries.get(results.baseline)
    if base is None or base.squared_error.risk.value <= 0:
        return []
    found = [trade for e in entries.values() if (trade := trade_of(e, base, results))]
    baseline = baseline_in_words(results)
    return [_room(base, baseline), *_kinds(found, baseline), *_agreement(found, results)]


def trade_of(entry: BiasVariance, base: BiasVariance, results: StudyResults) -> Trade | None:
    """None of the baseline itself, and where ratios cannot be formed."""
    ratios = entry.versus_baseline and entry.versus_baseline.squared_error
    if not ratios or not ratios.bias_ratio or not ratios.variance_ratio:
        return None
    ours, theirs = entry.squared_error, base.squared_error
    whole = theirs.risk.value
    unit = results.unit()
    return Trade(
        variant=entry.variant,
        bias=_way(ratios.bias_ratio),
        variance=_way(ratios.variance_ratio),
        bias_points=100 * (ours.bias2_plus_noise.value - theirs.bias2_plus_noise.value) / whole,
        variance_points=100 * (ours.variance.value - theirs.variance.value) / whole,
        standing=standing(results.variant(entry.variant).versus_baseline, unit),
    )


def _way(ratio: CorrectedRatio) -> Way:
    bounds = ratio.ci95_corrected
    if not bounds or bounds[0] <= 1 <= bounds[1]:
        return "open"
    return "less" if bounds[1] < 1 else "more"


def _room(base: BiasVariance, baseline: str) -> str:
    """How much there is to gain by less variance."""
    parts = base.squared_error
    share = 100 * parts.variance.value / parts.risk.value
    start = (
        f"At samples of {base.num_train:,} rows variance is {share:.0f} % of the squared error of "
        f"{baseline}. "
    )
    if share < _HALF:
        return start + (
            f"A regularizer that took all of it away, and left the rest as it is, would leave "
            f"{100 - share:.0f} % of the error: most of it is bias and noise, on which networks "
            "of all samples and seeds agree."
        )
    return start + (
        "Most of the error is what networks disagree on: more rows, an ensemble or a regularizer "
        "that lowers variance has much to gain."
    )


def _kinds(found: Sequence[Trade], baseline: str) -> list[str]:
    """One sentence for each way in which variants trade bias for variance."""
    said = {
        ("open", "less"): "lower variance, and their bias cannot be told from that of {}",
        ("more", "less"): "buy less variance with more bias",
        ("less", "less"): "lower both",
        ("less", "open"): "lower bias, and their variance cannot be told from that of {}",
        ("less", "more"): "buy less bias with more variance",
        ("more", "open"): "raise bias, and their variance cannot be told from that of {}",
        ("open", "more"): "raise variance, and their bias cannot be told from that of {}",
        ("more", "more"): "raise both",
    }
    sentences = [
        _sentence([t for t in found if (t.bias, t.variance) == ways], words.format(baseline))
        for ways, words in said.items()
    ]
    left = [t.variant for t in found if (t.bias, t.variance) == ("open", "open")]
    if left:
        sentences.append(
            f"Of {listed(left)} neither can be told from that of {baseline} with so few samples."
        )
    return [" ".join(filter(None, sentences))] if any(sentences) else []


def _sentence(trades: Sequence[Trade], words: str) -> str:
    if not trades:
        return ""
    one = len(trades) == 1
    verb, *rest = words.split(" ")
    said = " ".join([f"{verb}s", *rest]).replace("their", "its") if one else words
    each = "; ".join(f"{t.variant} {_points(t)}" for t in trades)
    return f"{listed(t.variant for t in trades)} {said} ({each})."


def _points(trade: Trade) -> str:
    """What changes, in percent of the baseline's whole error."""
    whole = trade.bias_points + trade.variance_points
    return (
        f"bias {trade.bias_points:+.1f}, variance {trade.variance_points:+.1f}, together "
        f"{whole:+.1f} % of the error"
    )


def _agreement(found: Sequence[Trade], results: StudyResults) -> list[str]:
    """How the decomposition goes with the test scores of networks that saw all rows."""
    better = [t for t in found if t.standing == "better"]
    if not better:
        return []
    unit = results.unit()
    by = {
        "come with less variance": [
            t for t in better if (t.variance, t.bias == "less") == ("less", False)
        ],
        "come with less bias": [
            t for t in better if (t.bias, t.variance == "less") == ("less", False)
        ],
        "come with less of both": [t for t in better if t.bias == t.variance == "less"],
        "come with neither told lower": [t for t in better if "less" not in (t.bias, t.variance)],
    }
    told = [f"{listed(t.variant for t in own)} {what}" for what, own in by.items() if own]
    said = "; ".join(told)
    if len(better) == 1:
        said = said.replace("come", "comes", 1)
    return [
        f"Of the variants that help on test {unit.title}, with all training rows, {said}. Bias and "
        "variance were seen on smaller samples: an association, no proof of a cause."
    ]
