"""The reference: commands from the command line's own words, Python from docstrings."""

import re
import sys
from pathlib import Path
from unittest import mock

import kmlp

GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "studies": (
        "Studies",
        (
            *("StudyConfig", "MLPConfig", "TrainConfig", "DataConfig", "Seeds"),
            *("run_study", "load_study", "read_studies", "StudyProgress", "Selection"),
            *("Metric", "rescore", "KmlpError"),
        ),
    ),
    "data": ("Data", ("load_dataset", "Dataset", "DataSpec", "Sample")),
    "reports": (
        "Reports",
        ("write_report", "write_comparison", "TitlePage", "write_tensorboard"),
    ),
    "scores": ("Scores from anywhere", ("compare", "Comparison", "write_scores_report")),
    "networks": (
        "Networks",
        (
            *("build_mlp", "adapt", "DropConnectDense", "GradientNoise"),
            *("Member", "build_stack", "fit_stack", "extract_member"),
        ),
    ),
    "models": (
        "Models",
        ("export", "load_saved", "evaluate", "export_reference", "load_reference"),
    ),
    "searches": ("Searches", ("tune", "MLPHyperModel")),
}
_INTRODUCTION = "All of these are imported from `kmlp` itself, when they are first used.\n"
_STATISTICS = "Arrays in, numbers out: nothing here knows of networks.\n"


def pages() -> dict[str, str]:
    """The Markdown of each page of the reference, by its place in the site."""
    _refuse_gaps()
    made = {
        f"reference/{place}.md": _page(title, _INTRODUCTION, [_home(name) for name in names])
        for place, (title, names) in GROUPS.items()
    }
    made["reference/statistics.md"] = _page("Statistics", _STATISTICS, _statistics())
    made["reference/commands.md"] = _commands()
    return made


def _refuse_gaps() -> None:
    listed = [name for _, names in GROUPS.values() for name in names]
    if sorted(listed) != sorted(kmlp.__all__):
        odd = sorted(set(listed) ^ set(kmlp.__all__))
        raise ValueError(f"the reference's groups and kmlp.__all__ differ in {odd}")


def _page(title: str, introduction: str, identifiers: list[str]) -> str:
    return "\n".join([f"# {title}", introduction, *(f"::: {name}\n" for name in identifiers)])


def _home(name: str) -> str:
    """Where a public name is written, however many rooms pass it on."""
    written = getattr(kmlp, name)
    return f"{written.__module__}.{written.__qualname__}"


def _statistics() -> list[str]:
    """The modules of `kmlp.stats`, by their names."""
    stats = Path(kmlp.__file__).parent / "stats"
    paths = sorted(p for p in stats.rglob("*.py") if p.name != "__init__.py")
    parts = [p.relative_to(stats.parent.parent).with_suffix("").parts for p in paths]
    return [".".join(part) for part in parts]


def _commands() -> str:
    """What `kmlp --help` and each command's own say, as a page."""
    import kmlp.cli  # noqa: F401  (each command adds itself)
    from kmlp.cli.app import app

    # Usage names the program as it was started.
    with mock.patch.object(sys, "argv", ["kmlp"]):
        text = app.generate_docs(output_format="markdown", heading_level=1)
    without_contents = re.sub(
        r"## Table of Contents\n.*?(?=\*\*Commands\*\*)", "", text, flags=re.S
    )
    return without_contents.replace("# kmlp\n", "# Commands\n", 1)
