"""Several studies side by side: scores by variant and what differs; then each study in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kmlp.report import tabular
from kmlp.report.blocks import NONE, Bullets, Cell, Figure, Report, Row, Section, Table, Text
from kmlp.report.comparing.across import across_section, across_studies, left_out_of_all, over_all
from kmlp.report.comparing.answer import answer_of_all
from kmlp.report.rendering.drawing import draw, draw_in_rows
from kmlp.report.sections.scores import score_row
from kmlp.report.study import study_report
from kmlp.report.tabular import Column
from kmlp.scores.comparison import Comparison
from kmlp.stats.formatting import Unit, p_value, unit_of
from kmlp.study.environment import read_environment
from kmlp.study.loading import read_study
from kmlp.study.provenance import stored_config
from kmlp.study.results.ranking import rank
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult
from kmlp.study.run_folder import RunFolder


@dataclass(frozen=True)
class SideBySide:
    """Several studies.

    Attributes:
        together: the page: a comparison, and a chapter for each.
        reports: by each study's short name, its own report and its results.
    """

    together: Report
    reports: Mapping[str, tuple[Report, StudyResults]]


def side_by_side(folders: Sequence[RunFolder], search: Section | None = None) -> SideBySide:
    """What a report of several run folders says.

    Args:
        folders: of the studies.
        search: how settings were searched, as a section of its own.

    Raises:
        RunFolderError: no run folder, or it is damaged, or was changed by hand.
    """
    names, read = _short_names([f.path for f in folders]), [read_study(f) for f in folders]
    each = zip(folders, read, strict=True)
    reports = [study_report(f, study.record, study.num_missing) for f, study in each]
    records = [study.record for study in read]
    studies = dict(zip(names, records, strict=True))
    across = across_studies(read)
    together = Report(
        kicker="Studies side by side",
        title=" and ".join(names) if len(names) < 4 else f"{len(names)} studies",
        facts=" · ".join(f"{n}: {_facts(r)}" for n, r in studies.items()),
        answer=answer_of_all(studies, over_all(across) if across else ""),
        verdict=[
            *(across.verdict if across else ()),
            *(f"{name}: {_in_short(results)}" for name, results in studies.items()),
        ],
        also=[
            *left_out_of_all(read),
            *(f"{name}: {s}" for name, results in studies.items() for s in _caveats(results)),
        ],
        sections=[*_sections(folders, studies, across), *([search] if search else [])],
        chapters=list(map(_chapter, names, reports, records)),
    )
    return SideBySide(together, dict(zip(names, zip(reports, records, strict=True), strict=True)))


def comparison_report(folders: Sequence[RunFolder]) -> Report:
    """The page of several run folders: a comparison, and a chapter for each."""
    return side_by_side(folders).together


def _sections(
    folders: Sequence[RunFolder], studies: "Studies", across: Comparison | None
) -> list[Section]:
    limits = _limits(studies, has_across=bool(across))
    return [
        *([across_section(across)] if across else []),
        Section("scores", "Scores by variant", [_scores(studies, _units(studies))]),
        Section("gains", "What each variant gains over its study's baseline", [_gains(studies)]),
        Section("every", "Every seed", _figures(studies)),
        Section("differs", "What differs", [_differences(folders, studies)]),
        Section("limits", "Limits of comparing", [Bullets(limits)]),
    ]


def _chapter(name: str, report: Report, results: StudyResults) -> Report:
    kicker = f"{report.kicker} on {results.dataset.name}"
    return replace(report, kicker=kicker, title=f"Study {name}")


def _in_short(results: StudyResults) -> str:
    return results.answer.text if results.answer else results.verdict[0]


def _caveats(results: StudyResults) -> Sequence[str]:
    """What changes how a study's answer is read."""
    return results.answer.caveats if results.answer else ()


Studies = Mapping[str, StudyResults]


def _short_names(paths: Sequence[Path]) -> list[str]:
    """The folders' own names, with as much before them as tells them apart."""
    parts = [p.resolve().parts for p in paths]
    depth = 1
    while len({p[-depth:] for p in parts}) < len(set(parts)):
        depth += 1
    names = ["/".join(p[-depth:]) for p in parts]
    return [n if names.index(n) == i else f"{n} ({i + 1})" for i, n in enumerate(names)]


def _units(studies: Studies) -> dict[str, Unit]:
    """By study; those of one metric are written with the same digits."""
    by_metric: dict[str, list[float]] = {}
    for results in studies.values():
        metric = results.metric.name
        tests = [v.test[metric].mean for v in results.variants if v.is_scored]
        by_metric.setdefault(metric, []).extend(tests)
    return {name: unit_of(r.metric.known, by_metric[r.metric.name]) for name, r in studies.items()}


def _facts(results: StudyResults) -> str:
    dataset = results.dataset
    return f"{len(results.members)} networks on {dataset.name} ({dataset.source})"


def _all_variants(studies: Studies) -> list[str]:
    """By rank in the first study that has them."""
    names = []
    for results in studies.values():
        names += [v.name for v in rank(results)]
    return list(dict.fromkeys(names))


def _of(results: StudyResults, name: str) -> VariantResult | None:
    return next((v for v in results.variants if v.name == name and v.is_scored), None)


def _scores(studies: Studies, units: Mapping[str, Unit]) -> Table:
    names = Column[str](head="Variant", cell=lambda name: Cell(name, _strength(studies, name)))
    note = (
        "Means over each study's seeds, or folds. Scores on different data do not compare; on the "
        "same data two studies are independent only where their seeds differ."
    )
    own = [names, *(_score_column(studies, study, units[study]) for study in studies)]
    return tabular.table(own, _all_variants(studies), note=note)


def _strength(studies: Studies, name: str) -> str:
    """A variant's, where all studies give it the same; "" where they differ."""
    found = {v.strength for r in studies.values() if (v := _of(r, name))}
    return found.pop() if len(found) == 1 else ""


def _score_column(studies: Studies, study: str, unit: Unit) -> Column[str]:
    def cell(name: str) -> Cell:
        """The score; its strength is said where studies differ in it."""
        variant = _of(studies[study], name)
        if variant is None:
            return NONE
        test = variant.test[unit.metric]
        strength = "" if _strength(studies, name) else variant.strength
        said = (strength, tabular.bounded(unit, test.ci95), _over(studies[study], name))
        return Cell(unit.value(test.mean), ", ".join(filter(None, said)), "strong")

    second = f"{studies[study].tested.adjective} {unit.axis} {unit.arrow}, 95 % interval"
    return Column(head=study, second=second, cell=cell)


def _over(results: StudyResults, name: str) -> str:
    """What a mean is over: "10 seeds", "20 folds"."""
    return results.tested.pairs(len(results.by_pair(name)))


def _gains(studies: Studies) -> Table:
    own = [Column[str](head="Variant", cell=Cell), *(_gain_column(*s) for s in studies.items())]
    compared = [
        name
        for name in _all_variants(studies)
        if any((v := _of(r, name)) and v.versus_baseline for r in studies.values())
    ]
    return tabular.table(own, compared, note="Bold: significant at 5 % in its own study.")


def _gain_column(study: str, results: StudyResults) -> Column[str]:
    unit = results.unit()

    def cell(name: str) -> Cell:
        variant = _of(results, name)
        if variant is None or variant.versus_baseline is None:
            return NONE
        versus = variant.versus_baseline
        found = tabular.difference(versus, unit)
        return replace(found, note=f"{found.note}, p {p_value(versus.p_holm)}")

    second = f"minus {results.baseline}, {unit.of_difference} {unit.arrow}, Holm p"
    return Column(head=study, second=second, cell=cell)


def _figures(studies: Studies) -> list[Figure]:
    """One figure for studies of the same data: under each variant those that have it."""
    groups: dict[str, dict[str, StudyResults]] = {}
    for study, results in studies.items():
        groups.setdefault(results.dataset.sha256, {})[study] = results
    return [_figure(own, f"comparison-{i}") for i, own in enumerate(groups.values(), start=1)]


def _figure(studies: Studies, name: str) -> Figure:
    results = next(iter(studies.values()))
    # Studies of the same data, test rows or none included, rest on the same.
    unit, tested = results.unit(), results.tested
    rows = [
        replace(score_row(r, variant, unit), label=f"{v} · {study}" if len(studies) > 1 else v)
        for v in _all_variants(studies)
        for study, r in studies.items()
        if (variant := _of(r, v))
    ]
    return draw(
        name,
        draw_in_rows(rows, f"{tested.adjective} {unit.axis} {unit.arrow}", None),
        alt=f"{tested.heading} {unit.title} of every {tested.pair} by variant and study.",
        caption=(
            f"{', '.join(studies)} on {results.dataset.name}: every dot is one {tested.pair}; the "
            "diamond is the mean, the bar its 95 % interval. Blue: the study's baseline; green or "
            "orange: told apart from it; hollow: not."
        ),
    )


def _differences(folders: Sequence[RunFolder], studies: Studies) -> Table | Text:
    """Fields of the data, the environment and the study files whose values are not all equal."""
    found = [
        _fields(folder, results) for folder, results in zip(folders, studies.values(), strict=True)
    ]
    names = list(dict.fromkeys(name for fields in found for name in fields))
    differing = [n for n in names if len({fields.get(n, "–") for fields in found}) > 1]
    if not differing:
        return Text("Neither the data nor the settings nor the packages differ.")
    rows = [Row([Cell(n), *(Cell(fields.get(n, "–")) for fields in found)]) for n in differing]
    note = "All other settings, facts of the data and packages are the same."
    return Table([Cell("What"), *map(Cell, studies)], rows, note, is_prose=True)


def _fields(folder: RunFolder, results: StudyResults) -> dict[str, str]:
    config, environment = stored_config(folder).to_dict(), read_environment(folder)
    flat = {f"data: {k}": v for k, v in results.dataset.to_dict().items() if k != "class_names"}
    flat["data: hash of the data as used"] = flat.pop("data: sha256")[:12]
    flat["variants"] = ", ".join(v.name for v in results.variants)
    for part in ("model", "train"):
        flat |= config.pop(part)
    flat |= {k: v for k, v in config.items() if k not in ("dataset", "variants")}
    flat |= environment.packages
    return {name: str(value) for name, value in flat.items()}


def _limits(studies: Studies, *, has_across: bool) -> list[str]:
    hashes = {r.dataset.sha256 for r in studies.values()}
    data = (
        "All studies saw the same data, and the same test rows: their errors are not independent."
        if len(hashes) == 1
        else "The studies saw different data: compare what a variant gains, not its score."
    )
    but = "; but for that over all data sets, which takes one difference of each" * has_across
    return [
        data,
        "No score of one study was tested against another's: an interval that overlaps another "
        f"proves nothing, and p holds within its own study only{but}.",
    ]
