"""A CSV to which an accident happened gives right numbers, or one clear error."""

import csv
import io

import numpy as np
import pytest

from kmlp.data.encoder import encode
from kmlp.data.inference import infer_schema
from kmlp.data.tables import read_table
from kmlp.errors import KmlpError


def _mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three small accidents: bytes changed, lost, doubled, moved, cut off."""
    raw = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at, to = sorted(rng.integers(0, len(raw), 2))
        to = min(to, at + int(rng.integers(1, 40)))
        match rng.integers(7):
            case 0:
                raw[at] = rng.integers(256)
            case 1:
                del raw[at:to]
            case 2:
                raw[at:at] = raw[at:to]
            case 3:
                raw[at:at] = rng.choice([b'"', b",", b"\n", b"\r", b";", b" ", b"\0", b"'", b"-"])
            case 4:
                raw[at : at + 1] = rng.choice([b"e", b".", b"nan", b"?", b"x", b"99999999999"])
            case 5:
                raw[at:to] = raw[at:to][::-1]
            case _:
                del raw[max(at, len(raw) // 2) :]
    return bytes(raw)


def _check_right(content: bytes, table) -> None:
    """Every cell is what Python's own csv module finds there."""
    text = content.decode(table.dialect.encoding)
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=table.dialect.separator,
        quotechar=table.dialect.quote or '"',
        quoting=csv.QUOTE_MINIMAL if table.dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=True,
    )
    wanted = [row for row in rows if row][table.dialect.header :]
    assert len(wanted) == table.frame.height
    for row, cells in zip(table.frame.iter_rows(), wanted, strict=True):
        for value, cell in zip(row, map(str.strip, cells), strict=True):
            if isinstance(value, str):
                assert value.strip() == cell
            elif value is not None:
                assert float(cell) == value
            else:
                assert cell in ("", "?", "nan", "-", ".")


@pytest.mark.long
@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutations_are_right_or_refused(tmp_path, count):
    from sklearn.datasets import load_wine

    wine = load_wine(as_frame=True).frame.iloc[::6, [0, 4, 12, 13]]
    content = wine.rename(columns={"target": "kind"}).to_csv(index=False).encode()
    path, rng, outcomes = tmp_path / "wine.csv", np.random.default_rng(0), {"read": 0, "refused": 0}
    for _ in range(count):
        mutated = _mutated(content, rng)
        path.write_bytes(mutated)
        try:
            table = read_table(path)
        except KmlpError:
            outcomes["refused"] += 1
            continue
        _check_right(mutated, table)
        outcomes["read"] += 1
        try:
            schema = infer_schema(table, "kind", columns={"alcohol": "number"})
            assert np.isfinite(encode(table, schema.columns)[:, 0]).all() or (
                table.frame["alcohol"].null_count()
            )
        except KmlpError:
            pass
    assert min(outcomes.values()) > count / 5, outcomes
