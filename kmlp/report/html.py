"""The HTML report: one self-contained page, no script, no network."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from kmlp.ledger import RunFolder
from kmlp.metrics import METRICS
from kmlp.report.figures import draw_figures
from kmlp.units import p_value, unit_in
from kmlp.verdict import is_significant, label, num_pairs, rank, shown_beside


def write_report(run_dir: str | Path) -> Path:
    """Writes `report.html` from what the run folder holds.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no run folder, no results yet, or damaged arrays.
    """
    folder = RunFolder(run_dir)
    results = folder.read_json("results.json")
    unit = unit_in(results)
    units = {metric: unit_in(results, metric) for metric in METRICS[results["dataset"]["task"]]}
    page = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            results=results,
            title=f"Which regularizer helps on {results['dataset']['name']}?",
            unit=unit,
            beside=[units[metric] for metric in shown_beside(results)],
            others=[u for u in units.values() if u != unit],
            ranked=rank(results["variants"], unit),
            figures=draw_figures(folder, results),
            environment=folder.read_json("environment.json"),
            study_toml=(folder.path / "study.toml").read_text(encoding="utf-8"),
            config_rows=_config_rows(results),
            command=reproduce_command(results),
            style=(resources.files("kmlp.report") / "report.css").read_text(encoding="utf-8"),
        )
    )
    return folder.write_text("report.html", page)


def reproduce_command(results: Mapping[str, Any]) -> str:
    """The command that makes this study again from its own study file."""
    return f"kmlp study study.toml --out runs/{results['dataset']['name']}-again"


def _config_rows(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The baseline's settings, without what is off."""
    baseline = next(v for v in results["variants"] if v["name"] == results["baseline"])
    off = (None, 0, 0.0, "none", False)
    values = {**baseline["config"]["model"], **baseline["config"]["train"]}
    return [(name, str(value)) for name, value in values.items() if value not in off]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kmlp", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "p": p_value,
        "label": label,
        "num_pairs": num_pairs,
    }
    environment.tests["significant"] = is_significant
    return environment
