"""Results of studies as a test says them: what it leaves out is filled in, the rest is checked."""

from collections.abc import Mapping
from typing import Any

from kmlp.study.results.records.study import StudyNumbers
from kmlp.study.results.records.variants import VariantResult, Versus, VersusBaseline

Told = Mapping[str, Any]


def numbers(told: Told) -> StudyNumbers:
    """The numbers of a study, of whose parts only some are said."""
    return StudyNumbers.model_validate(
        {
            "class_shares": [0.3, 0.3, 0.4],
            "extra_members": [],
            "groups": {},
            "sweeps": [],
            "looks": None,
            "pilot": None,
            "best": None,
            "mcnemar": None,
            "bias_variance": [],
            "cross_validation": None,
            "randomness": [],
            **told,
            "dataset": _dataset(told.get("dataset", {})),
            "variants": [variant_of(v) for v in told["variants"]],
            "members": [_member(i, m) for i, m in enumerate(told.get("members", ()))],
        }
    )


def variant_of(told: Told) -> VariantResult:
    """A variant of which only some is said."""
    parts = {part: _summaries(told.get(part, {})) for part in ("test", "val", "train")}
    against = {
        "versus_baseline": versus_of(told.get("versus_baseline"), VersusBaseline),
        "versus_best": versus_of(told.get("versus_best"), Versus),
    }
    return VariantResult.model_validate(
        {
            "strength": "",
            "config": {"model": {}, "train": {"max_epochs": 100}},
            "num_members": 10,
            "num_diverged": 0,
            "ensemble": {},
            "test_ci95_seeds_and_rows": None,
            "test_ci95_bca": None,
            "selection_difference": None,
            "tied_with_best": True,
            **told,
            **parts,
            **against,
        }
    )


def _summaries(told: Told) -> dict[str, Any]:
    rest = {"sd": 0.0, "se": 0.0, "ci95": None, "min": 0.0, "max": 0.0}
    return {metric: {**rest, **summary} for metric, summary in told.items()}


def versus_of(told: Told | None, kind: type[Versus]) -> Versus | None:
    """A comparison of which only some is said; what is too much for its kind is left out."""
    if told is None:
        return None
    every = {
        "ci95": None,
        "p": 0.5,
        "p_wilcoxon": 0.5,
        "probability_better": {"value": 0.5, "ci95": [0.4, 0.6]},
        "ci95_seeds_and_rows": None,
        "more_seeds": None,
        **told,
    }
    return kind.model_validate({n: x for n, x in every.items() if n in kind.model_fields})


def _dataset(told: Told) -> dict[str, Any]:
    return {
        "name": "made",
        "source": "full",
        "sha256": "0" * 64,
        "num_train": 4167,
        "num_val": 833,
        "num_test": 1000,
        "task": "multiclass",
        "input_shape": [4],
        "input_dtype": "float32",
        "class_names": ["a", "b", "c"],
        **told,
    }


def _member(number: int, told: Told) -> dict[str, Any]:
    given_up = told.get("status") == "given_up"
    place = {"id": f"{number:016x}", "variant": "none", "seed": number}
    trained = {"best_epoch": 1, "stopped_epoch": 2, "seconds": 1.0}
    return {
        **place,
        **({} if given_up else {**trained, "test": {}, "val": {}, "train": {}}),
        **told,
    }
