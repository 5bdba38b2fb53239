"""How raw columns become the matrix that a network takes, as plain values for any language."""

import math
from collections.abc import Mapping
from typing import Any

from kmlp.data.columns import Column, DataSpec
from kmlp.data.reading.cells import MISSING_AMONG_NUMBERS
from kmlp.data.values import code_of_words, truth_of_words


def specification(spec: DataSpec) -> dict[str, Any]:
    """What `encode.py` reads.

    Args:
        spec: of the data that the network was trained on.

    Returns:
        `columns`, each with the raw column it is made of (`source`), its `kind` and `part`;
        `words` and what each becomes, None for missing; what any other becomes (`unseen`, None
        where others are refused); texts that mean missing among dates (`gaps`); `offset` and
        `exponent`: a number v becomes (v - offset) / 2 ** exponent. `classes`; `target`, whose
        number is prediction * 2 ** exponent + offset, None where it is the prediction itself.
    """
    target = spec.target
    return {
        "columns": [_column(each) for each in spec.columns],
        "classes": list(spec.class_names),
        "target": target and {"offset": target.offset, "exponent": target.exponent},
    }


def _column(column: Column) -> dict[str, Any]:
    has_words = column.kind != "number" and not column.part
    return {
        "name": column.name,
        "source": column.source,
        "kind": column.kind,
        "part": column.part,
        "words": _words(column) if has_words else {},
        "unseen": len(column.values) if has_words and column.kind == "category" else None,
        "gaps": sorted(MISSING_AMONG_NUMBERS) if column.part else [],
        "offset": column.offset,
        "exponent": column.exponent,
    }


def _words(column: Column) -> dict[str, float | None]:
    known: Mapping[str, float]
    if column.kind == "boolean":
        known = truth_of_words((column.values[0], column.values[1]))
    else:
        known = code_of_words(column.values)
    return {word: None if math.isnan(value) else float(value) for word, value in known.items()}
