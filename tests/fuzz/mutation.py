"""Inputs made of valid ones: bytes, numbers, lines and the values of a tree changed, by a seed."""

import copy
import json
import re
import struct
import tomllib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import tomli_w

Seeds = Sequence[bytes]

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_INTEGERS = (0, 1, 2, 0x7F, 0xFF, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1)
_WORDS = (
    *(b"-1", b"0", b"1", b"1.5", b"1e999", b"-1e308", b"1e-320", b"nan", b"inf", b"null", b"true"),
    *(b"1099511627776", b"9223372036854775808", b"9" * 400, b"9" * 5000, b"0x10", b"1_0", b"1,5"),
    *(b'"', b"''", b"[]", b"{}", b"[" * 3000, b'{"a":' * 3000, b"\0", b"\n", b"\r", b"\xff\xfe"),
    *(
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"a" * 300,
        b",",
        b";",
        b"\t",
        b"=",
        b"../",
    ),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, -1e308, 5e-324, 2**40, -(2**63), 2**64),
    *(
        10**400,
        float("nan"),
        float("inf"),
        "",
        "0",
        "none",
        "nan",
        "\0",
        "\n",
        "../x",
        "/",
        "a" * 300,
    ),
    *("\u202e", "\U0001f600", [], {}, [[]], [None], [0, 0], ["", ""], {"": 0}, {"name": []}, [{}]),
)


def mutated(rng: Random, seeds: Seeds) -> bytes:
    """A seed with one to four accidents: most inputs stay close to what is valid."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_ACCIDENTS)(rng, content, seeds)
    return bytes(content)


def tree_mutated(rng: Random, tree: Any) -> Any:
    """A table of JSON or TOML with one to three of its values changed, lost, doubled or moved."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return copy.deepcopy(rng.choice(_VALUES))
        parent, key = rng.choice(places)
        _change(rng, parent, key, [p[k] for p, k in places])
    return tree


def json_mutated(rng: Random, seeds: Seeds) -> bytes:
    """A seed of JSON of which values were changed; now and then its text."""
    if rng.random() < 0.25:
        return mutated(rng, seeds)
    tree = tree_mutated(rng, json.loads(rng.choice(seeds)))
    return json.dumps(tree).encode()


def toml_mutated(rng: Random, seeds: Seeds) -> bytes:
    """The same of TOML, which has no null."""
    if rng.random() < 0.25:
        return mutated(rng, seeds)
    tree = tree_mutated(rng, tomllib.loads(rng.choice(seeds).decode()))
    return tomli_w.dumps(_without_null(tree)).encode("utf-8", "surrogatepass")


def _places(tree: Any) -> Any:
    """Every value of a tree, by what holds it."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _change(rng: Random, parent: Any, key: Any, others: Sequence[Any]) -> None:
    match rng.randrange(6):
        case 0 | 1:
            parent[key] = copy.deepcopy(rng.choice(_VALUES))
        case 2:
            # A copy: a tree that holds itself is none.
            parent[key] = copy.deepcopy(rng.choice(others))
        case 3:
            del parent[key]
        case 4 if isinstance(parent, dict):
            parent[rng.choice((*parent, "", "name", "x" * 300))] = parent.pop(key)
        case _:
            value = parent[key]
            if isinstance(value, str) and value:
                at = rng.randrange(len(value))
                parent[key] = (
                    value[:at] + rng.choice("\0 =-[]x9é\n") + value[at + rng.randrange(2) :]
                )
            elif isinstance(value, int | float) and not isinstance(value, bool):
                parent[key] = rng.choice(
                    (-value, value + 1, value * 1000, value // 7, _digits(value))
                )
            else:
                parent[key] = [value] * rng.randrange(4)


def _digits(value: float) -> str:
    """As text; Python writes no integer of more than 4,300 digits."""
    return str(value) if abs(value) < 1e300 else "1e300"


def _without_null(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(k): _without_null(v) for k, v in tree.items() if v is not None}
    if isinstance(tree, list):
        return [_without_null(v) for v in tree if v is not None]
    return tree


def _span(rng: Random, content: bytearray) -> tuple[int, int]:
    """Some bytes, mostly few."""
    start = rng.randrange(len(content) + 1)
    longest = rng.choice((1, 4, 16, 64, len(content)))
    return start, min(len(content), start + rng.randint(1, max(1, longest)))


def _flip(rng: Random, content: bytearray, seeds: Seeds) -> None:
    for _ in range(rng.choice((1, 1, 4))):
        if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _set(rng: Random, content: bytearray, seeds: Seeds) -> None:
    if content:
        content[rng.randrange(len(content))] = rng.choice(
            (0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))
        )


def _integer(rng: Random, content: bytearray, seeds: Seeds) -> None:
    """A number of a header, in either byte order: it may claim sizes that no machine has."""
    form, most = rng.choice((("H", 2**16), ("I", 2**32), ("Q", 2**64)))
    value = rng.choice([n for n in _INTEGERS if n < most])
    packed = struct.pack(rng.choice("<>") + form, value)
    if len(content) >= len(packed):
        start = rng.randrange(len(content) - len(packed) + 1)
        content[start : start + len(packed)] = packed


def _cut(rng: Random, content: bytearray, seeds: Seeds) -> None:
    del content[rng.randrange(len(content) + 1) :]


def _lose(rng: Random, content: bytearray, seeds: Seeds) -> None:
    start, stop = _span(rng, content)
    del content[start:stop]


def _double(rng: Random, content: bytearray, seeds: Seeds) -> None:
    start, stop = _span(rng, content)
    content[start:start] = content[start:stop] * rng.choice((1, 1, 2, 20))


def _splice(rng: Random, content: bytearray, seeds: Seeds) -> None:
    """The end of another seed behind the beginning of this one, or a piece of it in between."""
    other = bytearray(rng.choice(seeds))
    start, stop = _span(rng, other)
    at = rng.randrange(len(content) + 1)
    if rng.random() < 0.5:
        content[at:] = other[start:]
    else:
        content[at:at] = other[start:stop]


def _number(rng: Random, content: bytearray, seeds: Seeds) -> None:
    """A number that is written in digits becomes another word."""
    if found := list(_NUMBER.finditer(content)):
        start, stop = rng.choice(found).span()
        content[start:stop] = rng.choice(_WORDS)


def _word(rng: Random, content: bytearray, seeds: Seeds) -> None:
    start, stop = _span(rng, content)
    content[start : rng.choice((start, stop))] = rng.choice(_WORDS)


def _lines(rng: Random, content: bytearray, seeds: Seeds) -> None:
    """A line is lost, doubled or moved."""
    lines = bytes(content).split(b"\n")
    place = rng.randrange(len(lines))
    line = lines.pop(place)
    times = rng.randrange(3)
    at = rng.randrange(len(lines) + 1)
    content[:] = b"\n".join([*lines[:at], *[line] * times, *lines[at:]])


_ACCIDENTS: tuple[Callable[[Random, bytearray, Seeds], None], ...] = (
    *(_flip, _set, _integer, _cut, _lose, _double, _splice, _number, _word, _lines),
)
