"""Weight-sharing ensembles beside deep ensembles of independent networks that train as long.

    python benchmarks/sharing.py --data breast_cancer,diabetes,digits --seeds 40
    python benchmarks/sharing.py --tables FOLDER --data sacramento,attrition

Data are scikit-learn's by name, or tables that `recipe_tables.py` wrote into FOLDER; a fifth of the
rows tests. Three variants differ in nothing but in what sub-networks share: none (independent
networks, the baseline), BatchEnsemble of 4 and TabM of 32; all else is the recipe `tabm`, but for
the layers' widths. A study of networks that stop at once comes first, so that programs are
compiled and seconds are of training. What is told is the study's own `equal_cost`.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))
HEAD = (
    *("data", "variant", "score", "s a network", "epochs", "ensemble of", "its score"),
    *("difference (95 %)", "p", "better"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="breast_cancer,diabetes,digits")
    parser.add_argument("--tables", type=Path, help="a folder of recipe_tables.py")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--units", default="64,64", help="of the hidden layers")
    parser.add_argument("--subnetworks", type=int, default=32, help="of TabM")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    found = {}
    for name in options.data.split(","):
        found[name] = run(name, options)
        if options.json:
            options.json.write_text(json.dumps(found, indent=1))


def run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The study of one data set: its results."""
    from kmlp.config import StudyConfig
    from kmlp.config.tables.table import load_configured
    from kmlp.study.study import run_study

    dataset, how = source(name, options.tables)
    data, how = load_configured(dataset, how, sets_aside=True)
    config = {"dataset": dataset, "data": how, "baseline": "independent"}
    several = variants(data.spec.task, options)
    at_once = [{**v, "patience": 1, "min_delta": 1e6} for v in several]
    with tempfile.TemporaryDirectory() as folder:
        for place, listed in enumerate((at_once, several)):
            study = run_study(
                StudyConfig(variants=listed, num_seeds=options.seeds, **config),
                Path(folder) / str(place),
                data,
            )
        report(name, study.record)
        return study.record.to_dict()


def source(name: str, tables: Path | None) -> tuple[str, Any]:
    """A data set's name or path, and what is known of it."""
    from benchmarks.recipe_tables import TABLES
    from kmlp.config import DataConfig

    if tables is None:
        return name, DataConfig(test=0.2)
    return str(tables / f"{name}.csv"), TABLES[name].data


def variants(task: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """What is compared: they differ in the sub-networks alone."""
    units = [int(n) for n in options.units.split(",")]
    common = {"recipe": "tabm", "task": task, "without": ["weight_sharing"], "hidden_units": units}
    sharing = {
        "independent": {},
        "batch_ensemble": {"weight_sharing": "batch_ensemble", "num_subnetworks": 4},
        "tabm": {"weight_sharing": "tabm", "num_subnetworks": options.subnetworks},
    }
    return [{"name": name, **common, **own} for name, own in sharing.items()]


def report(name: str, results: Any) -> None:
    """A row of each variant."""
    unit = results.unit()
    for variant in results.variants:
        done = results.finished(variant.name)
        epochs = sum(m.stopped_epoch for m in done) / len(done)
        found = variant.versus_baseline and variant.versus_baseline.equal_cost
        versus = found and found.versus
        score = variant.test[unit.metric].mean
        seconds = sum(m.seconds for m in done) / len(done)
        cells = [name, variant.name, unit.value(score), f"{seconds:.3f}", f"{epochs:.0f}"]
        if versus:
            cells += [
                str(found.ensemble_size),
                unit.value(variant_mean(results, variant, found) - versus.difference),
                f"{unit.signed(versus.difference)} ({unit.interval(versus.ci95, signed=True)})",
                f"{versus.p_holm:.4f}",
                f"{versus.wins} of {versus.num_pairs}",
            ]
        print(f"| {' | '.join([*cells, *[''] * (len(HEAD) - len(cells))])} |", flush=True)


def variant_mean(results: Any, variant: Any, found: Any) -> float:
    """Its mean score over the seeds that are in ensembles."""
    scores = list(results.by_seed(variant.name).values())
    used = scores[: found.ensemble_size * found.versus.num_pairs]
    return sum(used) / len(used)


if __name__ == "__main__":
    main()
