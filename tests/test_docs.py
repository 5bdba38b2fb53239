"""The documentation names everything that can be set, with its true default."""

import dataclasses
import re
from pathlib import Path

import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.recipes.auto import AUTO
from kmlp.config.recipes.known import RECIPES
from kmlp.config.study_file import read_study_file
from kmlp.config.tables.table import load_configured
from kmlp.config.variants import VARIANTS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST_PAGES = ("README.md", "docs/index.md")
CONFIGS = (MLPConfig, TrainConfig, StudyConfig)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _rows(page: str, heading: str) -> dict[str, list[str]]:
    """The rows of the first table after a heading, by the name in their first cell."""
    lines = _text(page).split(heading, 1)[1].strip().splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("|")) :]
    rows = []
    for line in table:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return {name.strip("`"): cells for name, *cells in rows[2:]}


@pytest.mark.parametrize("config", CONFIGS)
def test_the_reference_holds_every_field_with_its_default(config):
    documented = _rows("docs/training.md", f"`{config.__name__}`, the ")
    expected = {}
    for f in dataclasses.fields(config):
        default = f.default
        if f.default_factory is not dataclasses.MISSING:
            default = f.default_factory()
        expected[f.name] = default
    required = {name for name, value in expected.items() if value is dataclasses.MISSING}
    names = {c.__name__: c for c in CONFIGS}
    found = {
        name: dataclasses.MISSING if default == "required" else eval(default.strip("`"), names)
        for name, (default, *_) in documented.items()
    }
    assert required == {name for name in found if found[name] is dataclasses.MISSING}
    assert found == expected


def test_every_variant_is_documented_with_its_fields():
    documented = _rows("docs/training.md", "default strengths:")
    fields = {name: cells[0].replace("`", "").strip("–") for name, cells in documented.items()}
    assert {name: eval(f"dict({text})") for name, text in fields.items()} == VARIANTS


@pytest.mark.parametrize("name", RECIPES)
def test_the_page_on_recipes_tells_every_part(name):
    section = _text("docs/recipes.md").split(f"### {name}\n", 1)[1].split("\n##", 1)[0]
    missing = [part.name for part in RECIPES[name].parts if f"`{part.name}`" not in section]
    assert not missing
    simple = _rows("docs/recipes.md", "### realmlp_s")
    assert set(simple) == {part.name for part in RECIPES["realmlp_s"].parts}


def test_the_page_on_study_files_lists_every_variant():
    listed = set(_rows("docs/study-files.md", "# A study file"))
    assert listed == {*VARIANTS, *RECIPES, AUTO, "name=value", "a table", "all"}


def test_every_variant_has_a_place_among_the_regularizers():
    page = _text("docs/regularizers.md")
    assert [name for name in VARIANTS if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [_anchor(heading) for heading in headings], target


def _anchor(heading: str) -> str:
    """What code hosts make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_readme_fits_one_screen():
    lines = _text("README.md").splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 140


def test_what_the_demo_says_is_the_same_on_both_first_pages():
    answer = r"^label_smoothing=0\.1 helps by .*?test rows\)\.$"
    found = [re.search(answer, _text(f), re.DOTALL | re.MULTILINE) for f in FIRST_PAGES]
    readme, index = (match[0] for match in found)
    assert readme == index


def test_the_ready_study_holds_all_variants():
    config = read_study_file(ROOT / "kmlp/studies/regularizers.toml")
    assert config.dataset == "fashion_mnist"
    assert config.variant_names == tuple(v for v in VARIANTS if v != "batch_ensemble")
    assert config.num_seeds == 10


def test_the_ready_study_of_a_table_fits_its_data(tmp_path):
    config = read_study_file(ROOT / "kmlp/studies/table.toml")
    data, _ = load_configured(config.dataset, config.data, sets_aside=False)
    assert (data.name, len(data.x_test)) == ("breast_cancer", round(0.3 * 569))
    text = re.sub(r"^# (\w+ = )", r"\1", _text("kmlp/studies/table.toml"), flags=re.MULTILINE)
    (tmp_path / "study.toml").write_text(text)
    offered = read_study_file(tmp_path / "study.toml").data
    assert (offered.target, offered.columns, offered.drop) == (
        "status",
        {"zip": "category"},
        ("id",),
    )


def test_what_the_ready_study_offers_in_comments_is_valid(tmp_path):
    text = re.sub(
        r"^# (\w+ = )", r"\1", _text("kmlp/studies/regularizers.toml"), flags=re.MULTILINE
    )
    text = text.replace("momentum = 0.9", "").replace("reduce_on_plateau", "# reduce_on_plateau")
    path = tmp_path / "study.toml"
    path.write_text(text)
    config = read_study_file(path)
    assert config.seed_streams == {"split": 0}
    assert config.train.weight_decay == 0.004
    assert config.model.penalty_reduction == "mean"
