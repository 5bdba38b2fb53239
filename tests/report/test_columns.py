"""The page says what the data are, and shows no cell that may tell of a person."""

import json

import numpy as np
import pytest
from PIL import Image

from kmlp.data import Dataset, load_dataset
from kmlp.report.columns import data_section
from kmlp.report.csv_tables import to_csv
from kmlp.report.images import find_test_images
from kmlp.study.environment import Environment
from kmlp.study.provenance import describe, environment
from kmlp.testing import LinearTrainer

rng = np.random.default_rng(0)
N = 300
NAMES = [f"Jane Doe {i}" for i in range(N)]
TABLE = {
    "age": np.where(np.arange(N) % 10 == 0, np.nan, rng.integers(18, 90, N)),
    "plan": np.array(["basic", "full"])[rng.integers(0, 2, N)],
    "town": np.array([f"Town {i}" for i in range(30)])[rng.integers(0, 30, N)],
    "mail": np.array([f"doe{i}@example.org" for i in range(5)])[rng.integers(0, 5, N)],
    "remark": [f"{name} called twice about it, and wrote" for name in NAMES],
    "account": rng.permutation(N) + 7_000_000,
    "left": np.array(["no", "yes"])[(np.arange(N) >= N - 8).astype(int)],
}


def environment_of(data: Dataset, *without: str) -> Environment:
    """As a run folder keeps it."""
    found = environment(data, describe(data, 0.1), LinearTrainer())
    kept = {key: value for key, value in found.items() if key not in without}
    return Environment.model_validate(json.loads(json.dumps(kept)))


@pytest.fixture(scope="module")
def found() -> Environment:
    return environment_of(Dataset.from_table(TABLE, target="left", test=0.2))


def test_every_column_says_what_became_of_it(found):
    section = data_section(found)
    assert section.title == "The columns"
    cells = {row.cells[0].text: [c.text for c in row.cells[1:]] for row in section.blocks[-1].rows}
    assert list(cells) == ["left", "age", "plan", "town", "mail", "remark", "account"]
    assert cells["left"][-1] == "the target, 2 classes"
    assert cells["age"][0] == "number"
    assert cells["age"][1].endswith(" %")
    assert cells["plan"] == ["category", "–", "2", "basic, full", "one of 2 categories or unseen"]
    assert cells["account"][-1].startswith("left out: an identifier")


def test_no_cell_that_may_tell_of_a_person_is_shown(found):
    section = data_section(found)
    shown = repr(section.blocks) + to_csv(section.tables["columns"])
    for secret in ("Jane", "Doe", "doe0@", "example.org", "Town 1", "7000", "7,000,"):
        assert secret not in shown
    assert "basic, full" in shown


def test_what_to_look_at_stands_above(found):
    told = data_section(found).blocks[0].items
    assert any(t.startswith("few rows for one class of 'left': yes") for t in told)
    assert any("e-mail addresses" in t for t in told)


def test_arrays_have_no_columns_but_may_have_warnings():
    x, y = rng.normal(size=(100, 3)), np.arange(100) % 2
    clean = Dataset.from_arrays(x[:80], y[:80], x[80:], y[80:])
    assert data_section(environment_of(clean)) is None
    shared = Dataset.from_arrays(x[:80], y[:80], x[70:], y[70:])
    section = data_section(environment_of(shared))
    (bullets,) = section.blocks
    assert not section.tables
    assert bullets.items[0].startswith("10 of 30 test rows stand in the training rows, too")


def test_the_images_of_a_folder_are_found_again_as_they_were_parted(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = rng.integers(0, 256, (2, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    data = load_dataset(tmp_path, test=0.5)
    found = environment_of(data)
    np.testing.assert_array_equal(find_test_images(found, test=0.5), data.x_test)
    assert isinstance(find_test_images(found), str)
    digits = load_dataset("digits")
    np.testing.assert_array_equal(find_test_images(environment_of(digits)), digits.x_train)


def test_a_folder_from_before_there_were_warnings_has_no_section():
    data = Dataset.from_table(TABLE, target="left", test=0.2)
    assert data_section(environment_of(data, "schema", "warnings")) is None


def test_of_very_many_columns_the_first_are_shown_and_all_are_in_the_file():
    table = {f"x{i}": rng.normal(size=40) for i in range(80)} | {"y": np.arange(40) % 2}
    found = environment_of(Dataset.from_table(table, target="y", test=0.25))
    section = data_section(found)
    shown = section.blocks[-1]
    assert len(shown.rows) == 60
    assert shown.note == "21 columns more stand in tables/columns.csv."
    assert len(section.tables["columns"]) == 1 + 81


def test_values_are_hidden_as_asked_but_for_the_targets_classes(found):
    section = data_section(found, hide_values=True)
    shown = repr(section.blocks[1:]) + to_csv(section.tables["columns"])
    for value in ("basic", "full", "18 to", "to 89", "few and short"):
        assert value not in shown
    assert "no, yes" in shown
    rows = {"x": rng.normal(size=40), "is it": ["si", "non"] * 20, "y": rng.normal(size=40)}
    number = Dataset.from_table(rows, target="y", columns={"is it": "boolean"}, test=0.25)
    section = data_section(environment_of(number), hide_values=True)
    (y, x, boolean) = ([c.text for c in row.cells] for row in section.blocks[-1].rows)
    assert (y[4], x[4], boolean[4:]) == ("–", "–", ["–", "boolean"])
