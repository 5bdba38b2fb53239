"""How the strengths were chosen."""

from kmlp.report import tabular
from kmlp.report.blocks import NONE, Cell, Section
from kmlp.report.tabular import Column
from kmlp.study.results.records.choices import TriedStrength
from kmlp.study.results.records.study import StudyResults


def pilot_section(results: StudyResults) -> Section | None:
    """A row a strength; None where they were given."""
    found = results.pilot
    if not found or not found.strengths:
        return None
    own = _columns(results, found.strengths[0].part)
    note = (
        f"Over {found.num_seeds} pilot seeds from {found.first_seed:,} on, which the study "
        "does not use. The best mean is chosen, of equals the weaker. The test set had no say."
    )
    return Section(
        "pilot",
        "How the strengths were chosen",
        [tabular.table(own, found.strengths, note=note)],
        {"pilot": tabular.csv_rows(own, found.strengths)},
    )


def _columns(results: StudyResults, part: str) -> list[Column[TriedStrength]]:
    unit, chosen = results.unit(), {v.strength for v in results.variants}
    where = "validation" if part == "val" else "training"
    return [
        Column(
            head="Strength",
            cell=lambda tried: Cell(tried.strength),
            numbers=lambda tried: {"strength": tried.strength, "part": tried.part},
        ),
        Column(
            head=f"Mean {where} {unit.axis}",
            second="standard error",
            cell=lambda tried: Cell(
                unit.value(tried.mean), unit.value(tried.se) if tried.se else ""
            ),
            numbers=lambda tried: {"mean": tried.mean, "se": tried.se},
        ),
        Column(
            head="Chosen",
            cell=lambda tried: Cell("chosen") if tried.strength in chosen else NONE,
        ),
    ]
