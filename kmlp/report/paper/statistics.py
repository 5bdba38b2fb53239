"""How scores are summed up and compared, in formulas."""

from collections.abc import Sequence

from kmlp.report.paper.document import Chapter, Equation, Formula, PaperBlock, Prose
from kmlp.report.paper.fold_statistics import SOURCE, fold_blocks
from kmlp.study.results.records.study import StudyResults

_MEAN = Formula(
    'macron(x) = 1/S sum_s x_s, quad "SE" = s \\/ sqrt(S), quad '
    'macron(x) plus.minus t_(S - 1, 0.975) thin "SE"',
    r"\bar x = \frac{1}{S} \sum_s x_s, \quad \mathrm{SE} = s / \sqrt{S}, \quad "
    r"\bar x \pm t_{S - 1,\,0.975}\, \mathrm{SE}",
)
_FLIPS = Formula(
    "p = 1 / (2^S) abs({sigma in {-1, 1}^S : abs(sum_s sigma_s d_s) >= abs(sum_s d_s)})",
    r"p = \frac{1}{2^S} \Bigl| \bigl\{ \sigma \in \{-1, 1\}^S : "
    r"\bigl| \sum_s \sigma_s d_s \bigr| \ge \bigl| \sum_s d_s \bigr| \bigr\} \Bigr|",
)
_HOLM = Formula(
    "tilde(p)_((i)) = max_(j <= i) min(1, (m - j + 1) p_((j)))",
    r"\tilde p_{(i)} = \max_{j \le i} \min\bigl(1, (m - j + 1)\, p_{(j)}\bigr)",
)
_PARTS = Formula(
    'EE norm(hat(p) - y)^2 = underbrace(norm(EE hat(p) - y)^2, "bias"^2 + "noise") + '
    'underbrace(EE norm(hat(p) - EE hat(p))^2, "variance")',
    r"\mathrm{E} \lVert \hat p - y \rVert^2 = "
    r"\underbrace{\lVert \mathrm{E} \hat p - y \rVert^2}_{\mathrm{bias}^2 + \mathrm{noise}} + "
    r"\underbrace{\mathrm{E} \lVert \hat p - \mathrm{E} \hat p \rVert^2}_{\mathrm{variance}}",
)
_VARIANCE = Formula(
    '"Var" (hat(p)) = "Var"_r (EE_s hat(p)_(r s)) + EE_r "Var"_s (hat(p)_(r s))',
    r"\mathrm{Var}(\hat p) = \mathrm{Var}_r(\mathrm{E}_s\, \hat p_{rs}) + "
    r"\mathrm{E}_r \mathrm{Var}_s(\hat p_{rs})",
)
_S, _D = Formula("S", "S"), Formula("d_s", "d_s")


def statistics_chapters(studies: Sequence[StudyResults]) -> list[Chapter]:
    """Scores and tests; bias and variance where they were estimated."""
    rest_on = {results.basis for results in studies}
    blocks = [*_scores(), *_flips()] if "test" in rest_on else []
    if "folds" in rest_on:
        blocks += fold_blocks(is_alone="test" not in rest_on)
    chapters = [Chapter("Scores and tests", [*blocks, *_corrected(studies)])]
    if any(results.bias_variance for results in studies):
        chapters.append(Chapter("Bias and variance", _decomposition(studies[0])))
    return chapters


def _scores() -> list[PaperBlock]:
    return [
        Prose(
            (
                "One seed ",
                Formula("s", "s"),
                " draws initial weights, the order of the rows, masks, noise and the validation "
                "rows. Over the scores ",
                Formula("x_1, ..., x_S", r"x_1, \dots, x_S"),
                " of ",
                _S,
                " seeds on the same test rows, with standard deviation ",
                Formula("s", "s"),
                ", mean, standard error and 95 % interval are",
            )
        ),
        Equation(_MEAN),
        Prose(
            (
                "They hold for other seeds with these training and test rows: the training rows "
                "are one sample, and another one would move all means together.",
            )
        ),
    ]


def _flips() -> list[PaperBlock]:
    return [
        Prose(
            (
                "One seed gives every variant the same draws, so variants are compared by the "
                "differences ",
                _D,
                " to the baseline, whose interval is that of their mean. The two-sided p of the "
                "sign-flip test, exact up to 14 seeds, is",
            )
        ),
        Equation(_FLIPS),
    ]


def _corrected(studies: Sequence[StudyResults]) -> list[PaperBlock]:
    """Over all variants, and what follows from it."""
    looks = any(results.looks for results in studies)
    of_seeds = any(results.basis == "test" for results in studies)
    effect = (
        " The effect size is the mean difference in standard deviations of the differences, with "
        "the interval of the noncentral t distribution [2]."
    )
    pairs = " or ".join(dict.fromkeys(f"{results.tested.pair}s" for results in studies))
    return [
        Prose(
            (
                "Among ",
                Formula("m", "m"),
                " variants p is corrected by Holm [1], in the order ",
                Formula("p_((1)) <= p_((2)) <= ...", r"p_{(1)} \le p_{(2)} \le \dots"),
                ":",
            )
        ),
        Equation(_HOLM),
        Prose(
            (
                "A variant is called better or worse where ",
                Formula("tilde(p) < 0.05", r"\tilde p < 0.05"),
                f", of six {pairs} or more; no interval decides it.{effect * of_seeds} The best "
                "variant is chosen on validation rows."
                + " Where seeds were added in looks, p counts all planned looks."
                * looks,
            )
        ),
    ]


def _decomposition(results: StudyResults) -> list[PaperBlock]:
    truth = "target" if results.dataset.is_regression else "one-hot label"
    return [
        Prose(
            (
                "Each variant was trained afresh on ",
                Formula("R", "R"),
                " samples of the training rows, with several seeds on each. Of the prediction ",
                Formula("hat(p)", r"\hat p"),
                f" for a test row and its {truth} ",
                Formula("y", "y"),
                " the squared error is",
            )
        ),
        Equation(_PARTS),
        Prose(
            (
                "on average over test rows. The variance, estimated without bias as in [3], is "
                "that between samples and that between seeds of one sample [4],",
            )
        ),
        Equation(_VARIANCE),
        Prose(
            (
                "Intervals leave out one sample at a time (jackknife); variants are compared by "
                "ratios on the same samples. What is said in words rests on intervals that hold "
                "for bias and variance of all variants at once (Bonferroni).",
            )
        ),
    ]


def sources(studies: Sequence[StudyResults]) -> list[str]:
    """What the numbers in brackets stand for."""
    found = [
        "S. Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian "
        "Journal of Statistics 6, 65-70.",
        "J. H. Steiger and R. T. Fouladi (1997). Noncentrality interval estimation and the "
        "evaluation of statistical models. In: What if there were no significance tests?, 221-257.",
    ]
    if any(results.bias_variance for results in studies):
        found += [
            "Z. Yang, Y. Yu, C. You, J. Steinhardt and Y. Ma (2020). Rethinking bias-variance "
            "trade-off for generalization of neural networks. ICML.",
            "B. Neal et al. (2018). A modern take on the bias-variance tradeoff in neural "
            "networks. arXiv:1810.08591.",
        ]
    if any(results.basis == "folds" for results in studies):
        found.append(SOURCE)
    return found
