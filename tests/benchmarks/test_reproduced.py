"""Studies of published tables are read, and what they found stands beside what was published."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.first_screens import HELPS, drawn_study
from kmlp.config.study_file import read_studies
from kmlp.config.tables.references import REFERENCES
from kmlp.study.loading import load_study

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILES = sorted((BENCHMARKS / "reproductions").glob("*.toml"))


@pytest.fixture
def reproduced(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("reproduced")


def test_every_published_row_is_one_of_a_study_and_every_table_is_known(reproduced):
    studies = {
        name or path.stem: config for path in FILES for name, config in read_studies(path).items()
    }
    assert set(reproduced.PUBLISHED) <= set(studies)
    for name, found in reproduced.PUBLISHED.items():
        assert set(found) <= {*studies[name].variant_names, *REFERENCES}
    tables = {n for n, c in studies.items() if c.dataset.endswith(".csv")}
    assert tables == set(reproduced.TABLES)
    for name in tables:
        assert studies[name].dataset == f"{name}.csv"
        assert studies[name].data.target == reproduced.TABLES[name].target


@pytest.mark.long
def test_a_row_is_what_was_measured_beside_what_was_published(reproduced, tmp_path, monkeypatch):
    drawn_study(tmp_path / "run", HELPS, 10, "fashion_mnist")
    results = load_study(tmp_path / "run").record
    first, *others = results.variants
    monkeypatch.setitem(reproduced.PUBLISHED, "drawn", {first.name: (80.0, 0.5)})
    rows = list(reproduced.rows("drawn", results))
    assert [row[0] for row in rows] == [v.name for v in results.variants]
    found = first.test["accuracy"]
    low, high = (100 * end for end in found.ci95)
    assert rows[0][1:] == (
        f"{100 * found.mean:.2f}",
        f"{100 * found.sd:.2f}",
        f"{low:.2f} to {high:.2f}",
        f"{100 * first.ensemble['accuracy']:.2f}",
        "80 ± 0.5",
        f"{100 * found.mean - 80:+.2f}",
        f"{sum(m.seconds for m in results.finished(first.name)) / 10:.0f}",
    )
    assert [row[5:7] for row in rows[1:]] == [("–", "–")] * len(others)
