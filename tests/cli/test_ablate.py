"""`kmlp ablate`: what is compared, and what is refused before anything is loaded."""

import json

import pytest

from kmlp.cli.ablate import ablation_of
from kmlp.cli.options import Options
from kmlp.config.recipes.known import RECIPES
from kmlp.errors import ConfigError
from tests.command_line import kmlp


def test_the_recipe_is_compared_with_itself_without_each_part():
    config = ablation_of("wine", "realmlp_s", None, Options(num_seeds=3))
    assert config.baseline == config.ablated == "realmlp_s"
    assert len(config.variant_names) == len(RECIPES["realmlp_s"].parts) + 1
    assert config.num_seeds == 3


def test_what_is_said_of_networks_holds_for_every_variant():
    options = Options(hidden_units="9-8", max_epochs=5, batch_size=16)
    config = ablation_of("wine", "realmlp_s", "smooth_clip, ntk", options)
    assert len(config.variant_names) == 3
    for variant in config.resolved_variants:
        train = variant.train
        assert (variant.model.hidden_units, train.max_epochs, train.batch_size) == ((9, 8), 5, 16)


def test_a_file_says_the_data_and_the_seeds(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('dataset = "wine"\nnum_seeds = 7\nvariants = ["none", "l2"]\n')
    config = ablation_of(str(path), "realmlp_s", None, Options())
    assert (config.dataset, config.num_seeds, config.ablated) == ("wine", 7, "realmlp_s")


@pytest.mark.parametrize(
    ("recipe", "parts", "said", "message"),
    [
        ("realmlp_x", None, {}, "there is no recipe 'realmlp_x'. Did you mean 'realmlp'"),
        ("realmlp_s", "smoothclip", {}, "no part 'smoothclip'. Did you mean 'smooth_clip'"),
        ("realmlp_s", None, {"variants": "none,l2"}, r"Received: --variants .*--parts says which"),
        ("realmlp_s", None, {"sweep": ["dropout=0,0.5"]}, "Received: --sweep"),
    ],
)
def test_what_is_no_ablation_is_refused(recipe, parts, said, message):
    with pytest.raises(ConfigError, match=message):
        ablation_of("wine", recipe, parts, Options(**said))


@pytest.mark.engine
@pytest.mark.slow
def test_an_ablation_ends_with_its_verdict_a_report_and_a_model(tmp_path):
    small = ("--seeds", "2", "--max-epochs", "2", "--hidden-units", "6", "--references", "none")
    parts = ("--parts", "smooth_clip,activation", "--out", "runs/parts")
    done = kmlp("ablate", "wine", *small, *parts, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "runs/parts/results.json").read_text())
    assert results["ablated"] == results["baseline"] == "realmlp_s"
    names = [v["name"] for v in results["variants"]]
    assert names == ["realmlp_s", "without smooth clipping", "without its activation"]
    assert [v["config"]["model"]["activation"] for v in results["variants"]] == [
        *("selu", "selu", "relu")
    ]
    page = (tmp_path / "runs/parts/report.html").read_text()
    assert "Which part of realmlp_s earns its place on wine?" in page
    assert "Model:  " in done.stdout
