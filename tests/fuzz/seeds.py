"""What is valid and small, of every kind that kmlp reads."""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kmlp.config.study_file import ready_files
from kmlp.data.arrays.idx import idx_bytes
from kmlp.deploy.manifest import manifest_sha256
from tests.fuzz.mutation import Seeds
from tests.scores.made import rows

KEPT = Path(__file__).parents[1] / "data_0_1_0"
_RNG = np.random.default_rng(0)
_IMAGES = _RNG.integers(0, 256, (24, 4, 6), dtype=np.uint8)
_LABELS = (np.arange(24) % 3).astype(np.uint8)
_PNG = b"\x89PNG\r\n\x1a\n"

TABLE = pl.DataFrame(
    {
        "age": [31, None, 58, 44, 23, 37, 61, 29] * 3,
        "income": [2.5e3, 1800.25, -12.0, 0.125, 1e-7, 4100.0, 99.5, 3.0] * 3,
        "town": ["Oslo", "São Paulo", None, "東京", "New, York", 'a "b"', "Oslo", "Rome"] * 3,
        "paid": [True, False, True, None, True, False, False, True] * 3,
        "since": ["2024-01-31", "2023-12-01", "2024-02-29", "2020-01-01"] * 6,
        "kind": ["yes", "no", "no"] * 8,
    }
)


def idx() -> Seeds:
    return [idx_bytes(_IMAGES), idx_bytes(_IMAGES[:1])]


def npy() -> Seeds:
    arrays = [_IMAGES, _IMAGES.astype("<f4") / 255, _IMAGES.astype(">i8"), _IMAGES.astype(bool)]
    return [_saved(array) for array in arrays]


def npz_of_rows(content: bytes) -> bytes:
    """A data set whose examples are the content of an `.npy` file."""
    return _zipped({"x.npy": content, "y.npy": _saved(_LABELS.astype(np.int64))})


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def images(kind: str) -> Seeds:
    from PIL import Image

    grey = Image.fromarray(_IMAGES[0].repeat(2, axis=0))
    colours = Image.fromarray(_RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    made: list[tuple[Any, dict[str, Any]]] = [(grey, {}), (colours, {})]
    if kind in ("PNG", "TIFF"):
        deep = Image.fromarray(_RNG.integers(0, 2**16, (5, 4), dtype=np.uint16))
        made += [(deep, {}), (colours.convert("RGBA"), {}), (grey.convert("1"), {})]
    if kind in ("PNG", "GIF", "WEBP"):
        made += [(colours.convert("P"), {"transparency": 3} if kind != "WEBP" else {})]
    if kind == "JPEG":
        turned = Image.Exif()
        turned[0x0112] = 6
        made += [(colours, {"exif": turned, "progressive": True}), (colours.convert("CMYK"), {})]
    if kind == "TIFF":
        made += [(colours, {"compression": "tiff_lzw"}), (grey, {"compression": "packbits"})]
    if kind == "WEBP":
        made += [(colours, {"lossless": True})]
    return [_image(picture, kind, **how) for picture, how in made]


def with_png_checksums(content: bytes) -> bytes:
    """The same chunks, each with the checksum that it should have."""
    out, place = bytearray(content[: len(_PNG)]), len(_PNG)
    while place + 8 <= len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        end = min(place + 8 + size, len(content))
        checked = content[place + 4 : end]
        out += content[place:end] + zlib.crc32(checked).to_bytes(4, "big")
        place = end + 4
    return bytes(out)


def csv() -> Seeds:
    plain = TABLE.write_csv().encode()
    semicolons = TABLE.select("age", "income", "kind").write_csv(separator=";").replace(".", ",")
    tabs = TABLE.head(9).write_csv(separator="\t", include_bom=True).encode()
    quoted = TABLE.head(9).write_csv(quote_style="always", line_terminator="\r\n").encode()
    bare = TABLE.head(9).write_csv(include_header=False).encode("utf-16")
    return [plain, b"sep=;\n" + semicolons.encode(), tabs, quoted, bare]


def parted() -> Seeds:
    """Tables with columns that part rows, and one that says how much they count."""
    parting = {
        "counts": [1.0, 2.5, 0.5] * 8,
        "site": [f"s{i // 4}" for i in range(24)],
        "region": ["north", "south", "south", "north"] * 6,
        "part": ["test", "train", "train", "train"] * 6,
        "fold": [i % 4 for i in range(24)],
    }
    table = TABLE.with_columns(pl.Series(name, cells) for name, cells in parting.items())
    return [table.write_csv().encode(), table.write_csv(separator="\t").encode()]


def json_lines() -> Seeds:
    return [TABLE.write_ndjson().encode(), b'{"a": 1, "b": "x"}\n{"b": null, "c": 0.5}\n']


def parquet() -> Seeds:
    made = []
    for frame, how in (
        (TABLE, {"compression": "uncompressed"}),
        (TABLE, {"compression": "zstd", "row_group_size": 7}),
        (TABLE.with_columns(pl.col("since").str.to_date()), {"compression": "snappy"}),
        (TABLE.with_columns(pl.col("town").cast(pl.Categorical)), {"compression": "lz4"}),
    ):
        file = io.BytesIO()
        frame.write_parquet(file, **how)  # type: ignore[arg-type]
        made.append(file.getvalue())
    return made


def arrow() -> Seeds:
    made = []
    for frame in (TABLE, TABLE.with_columns(pl.col("town").cast(pl.Categorical))):
        for compression in ("uncompressed", "zstd"):
            file, stream = io.BytesIO(), io.BytesIO()
            frame.write_ipc(file, compression=compression)  # type: ignore[call-overload]
            frame.write_ipc_stream(stream, compression=compression)  # type: ignore[call-overload]
            made += [file.getvalue(), stream.getvalue()]
    return made


ARFF = b"""% a comment
@relation credit
@attribute age numeric
@attribute 'monthly income' real
@attribute town {Oslo, New_York, Rome}
@attribute since date "yyyy-MM-dd"
@data
31,2500.5,Oslo,2024-01-31
?,-12,New_York,2023-12-01
58,1e-7,Rome,2020-02-29
44,0,?,2020-01-01
"""


def scores() -> Seeds:
    tables = (
        rows(seeds=6),
        rows(seeds=3, folds=2, datasets=("wine", "iris")),
        rows(seeds=4, name="rmse"),
    )
    return [pl.DataFrame(table).write_csv().encode() for table in tables]


def wide_scores() -> Seeds:
    methods = {name: _RNG.uniform(0.7, 0.9, 8).round(4) for name in ("mlp", "forest", "best ever")}
    return [
        pl.DataFrame(keys | methods).write_csv().encode()
        for keys in (
            {"fold": range(8)},
            {"dataset": ["wine", "iris"] * 4, "seed": [0, 0, 1, 1, 2, 2, 3, 3]},
        )
    ]


def studies() -> Seeds:
    own = b"""# a study of a table
dataset = "churn.csv"
variants = ["none", "l2", "dropout"]
num_seeds = "auto"
baseline = "none"
metric = "auc"
[model]
hidden_units = [64, 32]
dropout = 0.2
[train]
max_epochs = 20
learning_rate = 1e-3
batch_size = 128
[data]
target = "kind"
drop = ["town"]
test = 0.25
"""
    several = (
        b'num_seeds = 3\n[[study]]\nname = "a"\ndataset = "digits"\nvariants = ["none", "l1"]\n'
        b'[[study]]\nname = "b"\ndataset = "wine"\nvariants = ["none", "l2"]\n'
    )
    kept = [p.read_bytes() for p in sorted(KEPT.rglob("study.toml"))]
    ready = [c for p in _ready(is_search=False) if b"search =" not in (c := p.read_bytes())]
    return [own, several, *kept, *ready]


def searches() -> Seeds:
    own = b"""dataset = "mnist"
tuner = "random"
max_trials = 9
folds = 5
[space]
preset = "none"
learning_rate = {min = 1e-4, max = 1e-2, sampling = "log", default = 1e-3}
hidden_units = {values = ["64", "64-32"]}
dropout = "0.1:0.5"
[fixed]
max_epochs = 3
"""
    kept = [p.read_bytes() for p in sorted(KEPT.rglob("search.toml"))]
    return [own, *kept, *(p.read_bytes() for p in _ready(is_search=True))]


def results() -> Seeds:
    return [p.read_bytes() for p in (KEPT / "regression" / "results.json", *_followed())]


def search_results() -> Seeds:
    return [(KEPT / "search" / "results.json").read_bytes()]


def manifests() -> Seeds:
    return [p.read_bytes() for p in sorted(KEPT.rglob("manifest.json"))]


def with_its_sha256(content: bytes) -> bytes:
    """The manifest, if it is one, as if this was what was written."""
    try:
        tree = json.loads(content)
        tree["sha256"] = manifest_sha256(tree)
        return json.dumps(tree).encode()
    except (ValueError, TypeError, RecursionError):
        return content


def environments() -> Seeds:
    return [p.read_bytes() for p in sorted(KEPT.rglob("environment.json"))]


def members() -> Seeds:
    return _rows_of("study", "member", "record")


def trials() -> Seeds:
    return _rows_of("search", "trial", "record")


def own_scores() -> Seeds:
    members = {f"{n:016x}": {"val": 0.5, "test": 0.25 * n} for n in range(3)}
    said = {"name": "profit", "higher_is_better": True, "members": members}
    return bodies({**said, "ensembles": {"none": 0.5}})


def readings() -> Seeds:
    said = {"date": "2026-05-01", "metric": "accuracy", "baseline": "none"}
    return bodies([{**said, "num_seeds": {"none": n, "l2": n}} for n in (3, 6)])


def followups() -> Seeds:
    return bodies({"num_trials": 3})


def shuffled() -> Seeds:
    network = {"network": "l2", "members": ["0" * 16], "seeds": [0]}
    reference = {"reference": None, "reference_seeds": []}
    columns = {"groups": {"place": ["town"]}, "columns": {"age": [0], "town": [1, 2]}}
    return bodies({"metric": "accuracy", **network, **reference, **columns})


def bodies(*said: Any) -> Seeds:
    return [json.dumps(each).encode() for each in said]


def _rows_of(folder: str, table: str, column: str) -> Seeds:
    import contextlib
    import sqlite3

    address = f"{(KEPT / folder / 'ledger.sqlite').absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        found = connection.execute(f"SELECT {column} FROM {table} LIMIT 4")
        return [text.encode() for (text,) in found]


def _followed() -> Sequence[Path]:
    return [KEPT / "search" / "study" / "results.json"]


def _ready(*, is_search: bool) -> list[Path]:
    files = [p for p in ready_files().values() if p.stat().st_size < 6000]
    return [p for p in files if (b"[space]" in p.read_bytes()) == is_search]


def _saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return file.getvalue()


def _image(picture: Any, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()
