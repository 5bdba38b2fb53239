"""How scores on folds are summed up and compared, in formulas."""

from kmlp.report.paper.document import Equation, Formula, PaperBlock, Prose

SOURCE = (
    "C. Nadeau and Y. Bengio (2003). Inference for the generalization error. Machine Learning 52, "
    "239-281."
)
_CORRECTED = Formula(
    '"SE" = s sqrt(1/J + n_"test" / n_"train"), quad macron(x) plus.minus t_(J - 1, 0.975) thin '
    '"SE", quad p = 2 P(t_(J - 1) > abs(macron(d)) \\/ "SE"_d)',
    r"\mathrm{SE} = s \sqrt{1/J + n_\mathrm{test} / n_\mathrm{train}}, \quad "
    r"\bar x \pm t_{J - 1,\,0.975}\, \mathrm{SE}, \quad "
    r"p = 2\, \mathrm{P}(t_{J - 1} > |\bar d| / \mathrm{SE}_d)",
)


def fold_blocks(*, is_alone: bool) -> list[PaperBlock]:
    """Scores and tests of studies without test rows.

    Args:
        is_alone: whether no study beside them has test rows.
    """
    return [
        Prose(
            (
                "No row was set aside to test" if is_alone else "Where no row is set aside to test",
                ": networks of their own are trained on all folds but one, and scored on that one, "
                "which had no part in when training stopped. Scores ",
                Formula("x_j", "x_j"),
                " of ",
                Formula("J", "J"),
                " folds, those of all repeats, share training rows. With ",
                Formula("s", "s"),
                " their standard deviation, ",
                Formula('n_"train"', r"n_\mathrm{train}"),
                " the rows that weights are fitted to, ",
                Formula('n_"test"', r"n_\mathrm{test}"),
                " those of a fold, and ",
                Formula("d_j", "d_j"),
                " the difference of two variants on one fold, standard error, 95 % interval and "
                "the corrected two-sided p (Nadeau and Bengio 2003) are",
            )
        ),
        Equation(_CORRECTED),
        Prose(
            (
                "The networks of each seed have trained on all rows: one of them is what is taken "
                "away, and no row is left to score it.",
            )
        ),
    ]
