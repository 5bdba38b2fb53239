"""The HTML report: one self-contained page, no script, no network."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from kmlp.ledger import RunFolder
from kmlp.report.figures import draw_figures
from kmlp.verdict import is_significant, label, rank


def write_report(run_dir: str | Path) -> Path:
    """Writes `report.html` from what the run folder holds.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no run folder, no results yet, or damaged arrays.
    """
    folder = RunFolder(run_dir)
    results = folder.read_json("results.json")
    page = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            results=results,
            title=f"Which regularizer helps on {results['dataset']['name']}?",
            ranked=rank(results["variants"]),
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
        "percent": lambda value: f"{100 * value:.2f}",
        "points": lambda value: f"{100 * value:+.2f}",
        "p": lambda value: "< 0.001" if value < 0.001 else f"{value:.3f}",
        "label": label,
    }
    environment.tests["significant"] = is_significant
    return environment
