"""Weight-sharing ensembles beside deep ensembles of independent networks that train as long.

    python benchmarks/sharing.py time --data breast_cancer,diabetes,digits --out FOLDER
    python benchmarks/sharing.py judge --data breast_cancer,diabetes,digits --out FOLDER

Data are scikit-learn's by name, or tables that `recipe_tables.py` wrote, with `--tables`; a fifth
of the rows tests. Three variants differ in nothing but in what sub-networks share: none
(independent networks, the baseline), BatchEnsemble of 4 and TabM of 32; all else is the recipe
`tabm`, but for the layers' widths.

`time` wants an idle machine: it measures the seconds of an epoch of each variant, programs being
compiled before. `judge` trains the studies, and may be killed and go on: a network's cost is its
epochs times those seconds. To each network that is many there is one ensemble of as many
independent networks as cost the same, compared as a study's `equal_cost` has it.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))
INDEPENDENT = "independent"
NUM_TIMED = 10
HEAD = (
    *("data", "variant", "score", "epochs", "ms an epoch", "s a network", "ensemble of"),
    *("its score", "difference (95 %)", "p", "better"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("do", choices=["time", "judge"])
    parser.add_argument("--data", default="breast_cancer,diabetes,digits")
    parser.add_argument("--tables", type=Path, help="a folder of recipe_tables.py")
    parser.add_argument("--out", type=Path, required=True, help="where times and studies are kept")
    parser.add_argument("--seeds", type=int, default=8, help="of each variant")
    parser.add_argument("--units", default="64,64", help="of the hidden layers")
    options = parser.parse_args()
    if options.do == "judge":
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for name in options.data.split(","):
        if options.do == "time":
            times = epoch_seconds(name, options)
            (options.out / f"{name}.json").write_text(json.dumps(times))
            print(name, times, f"load {os.getloadavg()[0]:.1f}", flush=True)
        else:
            judge(name, options)


def epoch_seconds(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Of each variant, a network's share of its stack's wall time: the second of two studies that
    stop after so many epochs, whose programs the first one has compiled."""
    options.out.mkdir(parents=True, exist_ok=True)
    stopping = {"patience": NUM_TIMED - 1, "min_delta": 1e6}
    with tempfile.TemporaryDirectory() as folder:
        for first_seed in (1000, 2000):
            study = trained(name, Path(folder) / str(first_seed), options, first_seed, **stopping)
    return {
        v.name: sum(m.seconds / m.stopped_epoch for m in done) / len(done)
        for v in study.record.variants
        if (done := study.record.finished(v.name))
    }


def trained(
    name: str,
    folder: Path,
    options: argparse.Namespace,
    first_seed: int = 0,
    only: str = "",
    **more: Any,
) -> Any:
    """A study of the three variants, or of one."""
    from kmlp.config import StudyConfig
    from kmlp.config.tables.table import load_configured
    from kmlp.study.study import run_study

    dataset, how = source(name, options.tables)
    data, how = load_configured(dataset, how, sets_aside=True)
    config = StudyConfig(
        dataset=dataset,
        data=how,
        baseline=INDEPENDENT,
        variants=[
            {**v, **more} for v in variants(data.spec.task, options) if only in ("", v["name"])
        ],
        num_seeds=options.seeds,
        first_seed=first_seed,
        references="none",
    )
    return run_study(config, folder, data)


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
        INDEPENDENT: {},
        "batch_ensemble": {"weight_sharing": "batch_ensemble", "num_subnetworks": 4},
        "tabm": {"weight_sharing": "tabm", "num_subnetworks": 32},
    }
    return [{"name": name, **common, **own} for name, own in sharing.items()]


def judge(name: str, options: argparse.Namespace) -> None:
    """A row of each variant, with its comparison at equal cost."""
    from kmlp.study.results.analyses.equal_cost import at_equal_cost

    times = json.loads((options.out / f"{name}.json").read_text())
    all_ = trained(name, options.out / name, options).record
    costs = {v.name: times[v.name] * mean_epochs(all_, v.name) for v in all_.variants}
    size = max(1, round(max(costs.values()) / costs[INDEPENDENT]))
    more = argparse.Namespace(**{**vars(options), "seeds": size * options.seeds})
    alone = trained(name, options.out / f"{name}-alone", more, only=INDEPENDENT).record
    unit = all_.unit()
    for variant in all_.variants:
        told = alone if variant.name == INDEPENDENT else all_
        score = told.variant(variant.name).test[unit.metric].mean
        epochs, seconds = mean_epochs(told, variant.name), times[variant.name]
        cells = [name, variant.name, unit.value(score), f"{epochs:.0f}"]
        cells += [f"{1000 * seconds:.1f}", f"{seconds * epochs:.2f}"]
        if variant.name != INDEPENDENT:
            evidence = timed_evidence(name, all_, alone, variant.name, options.out, times)
            one = at_equal_cost(evidence, {INDEPENDENT: False, variant.name: True})[variant.name]
            versus = one.versus
            cells += [
                str(one.ensemble_size),
                unit.value(score - versus.difference),
                f"{unit.signed(versus.difference)} ({unit.interval(versus.ci95, signed=True)})",
                f"{versus.p:.4f}",
                f"{versus.wins} of {versus.num_pairs}",
            ]
        print(f"| {' | '.join([*cells, *[''] * (len(HEAD) - len(cells))])} |", flush=True)


def mean_epochs(results: Any, variant: str) -> float:
    """That a variant's networks trained."""
    done = results.finished(variant)
    return sum(m.stopped_epoch for m in done) / len(done)


def timed_evidence(
    name: str, all_: Any, alone: Any, variant: str, out: Path, times: dict[str, float]
) -> Any:
    """What a variant's networks and many independent ones say of the test rows, each with its cost
    on the idle machine; the variant's seeds are dealt out to the ensembles, one to each."""
    from kmlp.stats.metrics import BY_NAME
    from kmlp.study.results.evidence import Evidence
    from kmlp.study.run_folder import RunFolder

    records, outputs = {}, {}
    for kind, results, path in (
        (variant, all_, out / name),
        (INDEPENDENT, alone, out / f"{name}-alone"),
    ):
        folder = RunFolder(path)
        known = folder.records()
        records[kind] = {
            m.seed: dataclasses.replace(known[m.id], seconds=times[kind] * m.stopped_epoch)
            for m in results.finished(kind)
        }
        outputs |= {r.id: folder.test_outputs(r.id) for r in records[kind].values()}
    costs = {kind: mean_seconds(of_kind) for kind, of_kind in records.items()}
    size = max(1, round(costs[variant] / costs[INDEPENDENT]))
    records[variant] = {size * seed: record for seed, record in records[variant].items()}
    return Evidence(
        task=all_.dataset.task,
        metric=all_.metric.name,
        known=BY_NAME[all_.metric.name],
        baseline=INDEPENDENT,
        records=records,
        outputs=outputs,
        truth=folder.test_labels(),
        weight=None,
        rows=None,
        num_looks=1,
    )


def mean_seconds(records: dict[int, Any]) -> float:
    return sum(r.seconds for r in records.values()) / len(records)


if __name__ == "__main__":
    main()
