"""What can be searched of a table's preparation: only what acts on the columns there are."""

from typing import Any

from kmlp.config.network_checks import NUMBER_EMBEDDINGS
from kmlp.data import DataSpec
from tuning.space.parameter import Parameter

_MOST_ONE_HOT = (8, 0, 32)
_MOST_CATEGORIES = (1000, 300, 100, 30)
_EMBEDDING_DIMS = (8, 4, 16)
_LEAST_COUNTS = (1, 2, 5, 10)
# Categories are scaled by what has a center and a spread.
_SCALED = ("auto", "standard", "robust")


def column_parameters(spec: DataSpec) -> list[Parameter]:
    """The parameters that count for these columns; none without columns.

    Example:
        >>> spec = DataSpec(task="binary", input_shape=(4,), input_dtype="float32",
        ...                 num_classes=2, class_names=("a", "b"))
        >>> column_parameters(spec)
        []
    """
    found = []
    if any(c.has_missing for c in spec.columns if c.kind != "category"):
        found.append(_choice("missing_indicators", True, False))
    if any(c.kind == "number" for c in spec.columns):
        found += _of_numbers()
    sizes = [len(c.values) for c in spec.columns if c.kind == "category"]
    if sizes:
        found.append(_choice("scaled_one_hot", False, True, when=("input_scaling", _SCALED)))
        found.append(_choice("min_category_count", *_LEAST_COUNTS))
        found += _of_many(max(sizes))
    return found


def _of_numbers() -> list[Parameter]:
    """How numbers are embedded, and what of it."""
    kind, periodic = "number_embedding", ("number_embedding", ("periodic",))
    return [
        _choice(kind, *NUMBER_EMBEDDINGS),
        _choice("number_embedding_dim", 4, 8, when=periodic),
        _choice("num_frequencies", 16, 8, 32, when=periodic),
        _choice("frequency_stddev", 0.1, 0.03, 0.3, 1.0, when=periodic),
        _choice("num_bins", 48, 16, 8, when=(kind, ("piecewise_linear",))),
    ]


def _of_many(size: int) -> list[Parameter]:
    """Of the largest column: what makes a difference to its categories."""
    found = [_choice("max_one_hot", *_MOST_ONE_HOT)]
    embedded = tuple(most for most in _MOST_ONE_HOT if most < min(size, min(_MOST_CATEGORIES)))
    found.append(_choice("embedding_dim", *_EMBEDDING_DIMS, when=("max_one_hot", embedded)))
    caps = [most for most in _MOST_CATEGORIES[1:] if most < size]
    if caps:
        found.append(_choice("max_categories", _MOST_CATEGORIES[0], *caps))
    return found


def _choice(name: str, *values: Any, when: tuple[str, tuple[Any, ...]] | None = None) -> Parameter:
    conditions = (when,) if when else ()
    return Parameter(name=name, kind="choice", values=values, conditions=conditions)
