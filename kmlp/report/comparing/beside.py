"""Methods from outside on a study's page: a section of their own."""

from dataclasses import replace

from kmlp.report import tabular
from kmlp.report.blocks import Report, Section, Text
from kmlp.report.comparing.figures import differences_figure
from kmlp.report.comparing.tables import ranked, scores_columns, scores_table
from kmlp.scores.comparison import Comparison

ANCHOR = "outside"
_BEFORE = ("best", "references")
_NOTE = (
    "These scores were computed elsewhere and handed in; that they are of the same test rows is "
    "taken on trust. They are compared with the variant that is exported, and are never "
    "chosen themselves. Holm's correction is over these methods alone, a family of their own."
)


def with_outside(report: Report, comparison: Comparison | None) -> Report:
    """A study's page with a section on them, right behind what it found of its own models."""
    if comparison is None:
        return report
    sections = list(report.sections)
    places = [i for i, s in enumerate(sections) if s.anchor in _BEFORE]
    sections.insert(places[-1] + 1 if places else 0, outside_section(comparison))
    return replace(report, sections=sections)


def outside_section(comparison: Comparison) -> Section:
    """What the scores show, their figure and their table."""
    found, unit = comparison.found, comparison.unit
    dataset = found.datasets[0]
    columns = scores_columns(found.baseline, unit)
    return Section(
        ANCHOR,
        "Other methods",
        [
            *map(Text, (*found.verdict, *found.notes)),
            differences_figure(comparison, dataset, 0),
            scores_table(dataset, found.baseline, unit),
            Text(_NOTE + _paired(comparison)),
        ],
        {"other_methods": tabular.csv_rows(columns, ranked(dataset, unit))},
    )


def _paired(comparison: Comparison) -> str:
    if not comparison.found.paired_by:
        return ""
    return (
        " Scores of one seed are taken for a pair: that is so where both drew the same rows by it, "
        "and does no harm where they share nothing."
    )
