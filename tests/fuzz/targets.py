"""Everything that kmlp reads, by name: seeds, and the function that must refuse in words."""

from pathlib import Path
from typing import Any

from kmlp.config.study_file import read_studies, search_of
from kmlp.data.arrays.idx import read_idx
from kmlp.data.arrays.images import image_size, read_image, read_pixels
from kmlp.data.columns import DataSpec
from kmlp.data.loading import load_dataset
from kmlp.data.tables import read_batches, read_table
from kmlp.deploy.folders.belonging import other_run
from kmlp.deploy.folders.listing import list_models
from kmlp.deploy.inputs import count_inputs, read_inputs
from kmlp.deploy.manifest import read_manifest
from kmlp.errors import KmlpError
from kmlp.scores.comparison import compare
from kmlp.serve.calls import answer_body, read_call
from kmlp.serve.servable import DEFAULT, Signature
from kmlp.study.environment import read_environment
from kmlp.study.results.analyses.shuffled_models import About
from kmlp.study.results.records.own_metric import read_own_scores
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.readings import readings_in
from kmlp.study.run_folder.records import MemberRecord
from tests.fuzz import seeds
from tests.fuzz.harness import Target
from tests.fuzz.mutation import json_mutated, toml_mutated
from tests.serve.stand_in import IMAGES, TABLE, WIDE, StandIn
from tuning.results.followup import followup_of
from tuning.results.search_folder import SearchFolder, Trial
from tuning.space.config import read_search_file
from tuning.space.space import make_space

_ROW = {"age": 31, "Home_town": "Oslo", "pays": "yes"}
_IMAGE = [[0, 1], [2, 255]]
WAYS: tuple[dict[str, Any], ...] = (
    {"group_on": "site", "test": 0.3},
    {"time_on": "since"},
    {"stratify_on": "region", "weight_on": "counts", "test": 0.25},
    {"fold_on": "fold"},
    {"test": "part"},
)
"""How columns part the rows of a table."""
_SPEC = DataSpec(
    task="binary",
    input_shape=(9,),
    input_dtype="float32",
    num_classes=2,
    class_names=("no", "yes"),
)


def _idx(path: Path) -> None:
    read_idx(path, 3)


def _inputs(path: Path) -> None:
    """As `kmlp predict` reads them."""
    count_inputs(path)
    for _ in read_inputs(path, (4, 6)):
        pass


def _data_set(path: Path) -> None:
    load_dataset(path)


def _image(path: Path) -> None:
    image_size(path)
    read_pixels(path)
    read_image(path, (8, 8, 3))


def _table(path: Path) -> None:
    """As `kmlp predict` and `kmlp compare` read them, and a study: whole, and in batches."""
    whole = read_table(path)
    batches = read_batches(path, size=5)
    heights = [table.height for table in batches.tables()]
    assert sum(heights) == batches.num_rows == whole.height, "rows were lost"


def _table_set(path: Path) -> None:
    load_dataset(path, target="kind")


def _parted(path: Path) -> None:
    """As a study reads a table whose rows other columns part, each way in turn."""
    refused = []
    for way in WAYS:
        try:
            load_dataset(path, target="kind", **way)
        except KmlpError as error:
            refused.append(error)
    if len(refused) == len(WAYS):
        raise refused[0]


def _wide_scores(path: Path) -> None:
    """A column a method."""
    assert compare(path, score="accuracy").verdict, "nothing is said"


def _scores(path: Path) -> None:
    """As `kmlp compare` judges them."""
    assert compare(path).verdict, "nothing is said"


def _studies(path: Path) -> None:
    search_of(path)
    for config in read_studies(path).values():
        assert type(config).from_toml(config.to_toml()) == config, "another study"


def _search(path: Path) -> None:
    config = read_search_file(path)
    make_space(_SPEC, config.space, config.fixed, model=config.model, train=config.train)


def _results(path: Path) -> None:
    results = StudyResults.read(path.read_text(encoding="utf-8", errors="surrogateescape"))
    assert StudyResults.model_validate(results.to_dict()).to_dict() == results.to_dict()


def _manifest(path: Path) -> None:
    """As a model is loaded, listed, and exported over."""
    list_models(path.parent.parent)
    other_run(path.parent.parent, seeds.KEPT / "study")
    read_manifest(path.parent)


def _body(path: Path, signature: Signature) -> None:
    servable = StandIn(signature)
    call = read_call(path.read_bytes(), servable)
    answer_body(call, servable.predict(DEFAULT, call.inputs))


def _of_folder(read: Any, kind: type[RunFolder] = RunFolder) -> Any:
    return lambda path: read(kind(path.parent))


def _of_text(read: Any) -> Any:
    return lambda path: read(path.read_text(encoding="utf-8", errors="surrogateescape"))


def _image_target(kind: str, suffix: str) -> Target:
    return Target(
        name=f"x.{suffix}",
        seeds=lambda: seeds.images(kind),
        read=_image,
        wrap=seeds.with_png_checksums if kind == "PNG" else None,
    )


def _json(name: str, made: Any, read: Any, **how: Any) -> Target:
    return Target(name=name, seeds=made, read=read, mutate=json_mutated, **how)


TARGETS = (
    Target(name="x-idx3-ubyte", seeds=seeds.idx, read=_idx),
    Target(name="x-idx3-ubyte.gz", seeds=seeds.idx, read=_idx, wrap=seeds.packed),
    Target(name="x.npy", seeds=seeds.npy, read=_inputs),
    Target(name="x.npz", seeds=seeds.npy, read=_data_set, wrap=seeds.npz_of_rows),
    *map(_image_target, ("PNG", "JPEG", "BMP", "GIF"), ("png", "jpg", "bmp", "gif")),
    *map(_image_target, ("WEBP", "TIFF"), ("webp", "tif")),
    Target(name="x.csv", seeds=seeds.csv, read=_table, is_slow=True),
    Target(name="set.csv", seeds=lambda: seeds.csv()[:1], read=_table_set, is_slow=True),
    Target(name="parted.csv", seeds=seeds.parted, read=_parted, is_slow=True),
    Target(name="x.jsonl", seeds=seeds.json_lines, read=_table),
    Target(name="x.arff", seeds=lambda: [seeds.ARFF], read=_table),
    Target(name="x.parquet", seeds=seeds.parquet, read=_table, is_long=True),
    Target(name="x.arrow", seeds=seeds.arrow, read=_table),
    Target(name="scores.csv", seeds=seeds.scores, read=_scores, is_slow=True),
    Target(name="wide.csv", seeds=seeds.wide_scores, read=_wide_scores, is_long=True),
    Target(
        name="study.toml", seeds=seeds.studies, read=_studies, mutate=toml_mutated, is_long=True
    ),
    Target(
        name="search.toml", seeds=seeds.searches, read=_search, mutate=toml_mutated, is_long=True
    ),
    _json("results.json", seeds.results, _results, is_long=True),
    _json("manifest.json", seeds.manifests, _manifest, wrap=seeds.with_its_sha256),
    _json("environment.json", seeds.environments, _of_folder(read_environment)),
    _json("metric.json", seeds.own_scores, _of_folder(read_own_scores)),
    _json("readings.json", seeds.readings, _of_folder(readings_in)),
    _json("followup.json", seeds.followups, _of_folder(followup_of, SearchFolder)),
    _json("importance.json", seeds.shuffled, _of_text(About.from_json)),
    _json("member.json", seeds.members, _of_text(MemberRecord.read), refused=(ValueError,)),
    _json("trial.json", seeds.trials, _of_text(Trial.read), refused=(ValueError,)),
    _json(
        "images-body.json",
        lambda: seeds.bodies(
            {"instances": [_IMAGE, _IMAGE]},
            {"signature_name": "serving_default", "inputs": {"inputs": [_IMAGE]}},
        ),
        lambda path: _body(path, IMAGES),
    ),
    _json(
        "table-body.json",
        lambda: seeds.bodies(
            {"instances": [_ROW, {**_ROW, "age": None, "Home_town": {"b64": "T3Nsbw=="}}]},
            {"inputs": {"age": [1.5, None], "Home town": ["a", ""], "pays": [True, None]}},
        ),
        lambda path: _body(path, TABLE),
    ),
    _json(
        "wide-body.json",
        lambda: seeds.bodies(
            {"instances": [[1, None], [2.5, -3]]}, {"inputs": {"a": [1], "b": [2]}}
        ),
        lambda path: _body(path, WIDE),
    ),
)
