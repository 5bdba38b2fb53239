"""Several studies side by side: scores by variant and what differs; then each study in full."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kmlp.report.blocks import NONE, Bullets, Cell, Figure, Report, Row, Section, Table, Text
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows
from kmlp.report.sections.scores import score_row
from kmlp.report.study import study_report
from kmlp.stats.formatting import Unit, p_value, unit_in, unit_of
from kmlp.study.loading import Study, read_study
from kmlp.study.provenance import stored_config, stored_environment
from kmlp.study.results.ranking import is_significant, rank
from kmlp.study.run_folder import RunFolder


def comparison_report(folders: Sequence[RunFolder]) -> Report:
    """What a report of several run folders says: a comparison, and a chapter for each.

    Raises:
        RunFolderError: no run folder, or it is damaged, or was changed by hand.
    """
    names, read = _short_names([f.path for f in folders]), [read_study(f) for f in folders]
    studies = dict(zip(names, (study.results for study in read), strict=True))
    units = _units(studies)
    sections = [
        Section("scores", "Scores by variant", [_scores(studies, units)]),
        Section("gains", "What each variant gains over its study's baseline", [_gains(studies)]),
        Section("every", "Every seed", _figures(studies)),
        Section("differs", "What differs", [_differences(folders, studies)]),
        Section("limits", "Limits of comparing", [Bullets(_limits(studies))]),
    ]
    return Report(
        kicker="Studies side by side",
        title=" and ".join(names) if len(names) < 4 else f"{len(names)} studies",
        facts=" · ".join(f"{n}: {_facts(r)}" for n, r in studies.items()),
        verdict=[f"{name}: {results['verdict'][0]}" for name, results in studies.items()],
        sections=sections,
        chapters=[_chapter(*each) for each in zip(names, folders, read, strict=True)],
    )


def _chapter(name: str, folder: RunFolder, study: Study) -> Report:
    report, _ = study_report(folder, study.results, study.num_missing)
    kicker = f"{report.kicker} on {study.results['dataset']['name']}"
    return dataclasses.replace(report, kicker=kicker, title=f"Study {name}")


Studies = Mapping[str, Mapping[str, Any]]


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
        metric = results["metric"]["name"]
        tests = [v["test"][metric]["mean"] for v in results["variants"] if v["num_members"]]
        by_metric.setdefault(metric, []).extend(tests)
    return {
        name: unit_of(r["metric"]["name"], by_metric[r["metric"]["name"]])
        for name, r in studies.items()
    }


def _facts(results: Mapping[str, Any]) -> str:
    dataset = results["dataset"]
    return f"{len(results['members'])} networks on {dataset['name']} ({dataset['source']})"


def _all_variants(studies: Studies) -> list[str]:
    """By rank in the first study that has them."""
    names = []
    for results in studies.values():
        names += [v["name"] for v in rank(results["variants"], unit_in(results))]
    return list(dict.fromkeys(names))


def _of(results: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((v for v in results["variants"] if v["name"] == name and v["num_members"]), None)


def _scores(studies: Studies, units: Mapping[str, Unit]) -> Table:
    columns = [Cell("Variant")]
    columns += [
        Cell(study, f"test {units[study].axis} {units[study].arrow}, 95 % interval")
        for study in studies
    ]
    rows = []
    for name in _all_variants(studies):
        found = {study: _of(results, name) for study, results in studies.items()}
        strengths = {v["strength"] for v in found.values() if v}
        cells = [Cell(name, strengths.pop() if len(strengths) == 1 else "")]
        for study, variant in found.items():
            strength = variant["strength"] if variant and strengths else ""
            cells.append(_score(variant, units[study], strength) if variant else NONE)
        rows.append(Row(cells))
    note = (
        "Means over each study's seeds. Scores on different data do not compare; on the same data "
        "two studies are independent only where their seeds differ."
    )
    return Table(columns, rows, note)


def _score(variant: Mapping[str, Any], unit: Unit, strength: str) -> Cell:
    """The score; its strength is said where studies differ in it."""
    test = variant["test"][unit.metric]
    seeds = f"{variant['num_members']} seed{'s' * (variant['num_members'] > 1)}"
    spread = f"{unit.interval(test['ci95'])}, {seeds}" if test["ci95"] else seeds
    return Cell(unit.value(test["mean"]), ", ".join(filter(None, (strength, spread))), "strong")


def _gains(studies: Studies) -> Table:
    columns = [Cell("Variant")]
    for study, results in studies.items():
        unit = unit_in(results)
        what = f"minus {results['baseline']}, {unit.of_difference} {unit.arrow}, Holm p"
        columns.append(Cell(study, what))
    rows = []
    for name in _all_variants(studies):
        found = [_of(results, name) for results in studies.values()]
        if not any(v and v["versus_baseline"] for v in found):
            continue
        cells = [_gain(v, unit_in(r)) for v, r in zip(found, studies.values(), strict=True)]
        rows.append(Row([Cell(name), *cells]))
    return Table(columns, rows, note="Bold: significant at 5 % in its own study.")


def _gain(variant: Mapping[str, Any] | None, unit: Unit) -> Cell:
    if variant is None or not variant["versus_baseline"]:
        return NONE
    versus = variant["versus_baseline"]
    mark = ""
    if is_significant(variant):
        mark = "better" if unit.gain(versus["difference"]) > 0 else "worse"
    bounds = unit.interval(versus["ci95"], signed=True) if versus["ci95"] else ""
    return Cell(unit.signed(versus["difference"]), f"{bounds}, p {p_value(versus['p_holm'])}", mark)


def _figures(studies: Studies) -> list[Figure]:
    """One figure for studies of the same data: under each variant those that have it."""
    groups: dict[str, dict[str, Mapping[str, Any]]] = {}
    for study, results in studies.items():
        groups.setdefault(results["dataset"]["sha256"], {})[study] = results
    return [_figure(own, f"comparison-{i}") for i, own in enumerate(groups.values(), start=1)]


def _figure(studies: Studies, name: str) -> Figure:
    results = next(iter(studies.values()))
    unit = unit_in(results)
    rows = [
        _relabelled(score_row(r, variant, unit), f"{v} · {study}" if len(studies) > 1 else v)
        for v in _all_variants(studies)
        for study, r in studies.items()
        if (variant := _of(r, v))
    ]
    return draw(
        name,
        draw_in_rows(rows, f"test {unit.axis} {unit.arrow}", None),
        alt=f"Test {unit.title} of every seed by variant and study.",
        caption=(
            f"{', '.join(studies)} on {results['dataset']['name']}: every dot is one seed; the "
            "diamond is the mean, the bar its 95 % interval. Blue: the study's baseline; green or "
            "orange: told apart from it; hollow: not."
        ),
    )


def _relabelled(line: ForestRow, label: str) -> ForestRow:
    return ForestRow(**{**vars(line), "label": label})


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


def _fields(folder: RunFolder, results: Mapping[str, Any]) -> dict[str, str]:
    config, environment = stored_config(folder).to_dict(), stored_environment(folder)
    flat = {f"data: {k}": v for k, v in results["dataset"].items() if k != "class_names"}
    flat["data: sha256"] = results["dataset"]["sha256"][:12]
    flat["variants"] = ", ".join(v["name"] for v in results["variants"])
    for part in ("model", "train"):
        flat |= config.pop(part)
    flat |= {k: v for k, v in config.items() if k not in ("dataset", "variants")}
    flat |= environment["packages"]
    return {name: str(value) for name, value in flat.items()}


def _limits(studies: Studies) -> list[str]:
    hashes = {r["dataset"]["sha256"] for r in studies.values()}
    data = (
        "All studies saw the same data, and the same test rows: their errors are not independent."
        if len(hashes) == 1
        else "The studies saw different data: compare what a variant gains, not its score."
    )
    return [
        data,
        "No test was made between studies: an interval that overlaps another proves nothing, "
        "and p holds within its own study only.",
    ]
