"""The analyses beside the comparison of variants: their parts of `results.json`, and words."""

from collections.abc import Mapping
from typing import Any

from kmlp.stats.formatting import listed, unit_in
from kmlp.study.results.decompositions import bias_variance_part, decomposition_sentences
from kmlp.study.results.folds import cross_validation, fold_sentences
from kmlp.study.results.interim import interim_sentences
from kmlp.study.results.ranking import label
from kmlp.study.results.seed_streams import randomness, randomness_sentences
from kmlp.study.results.sweeps import sweep_sentences
from kmlp.study.run_folder import RunFolder

Results = Mapping[str, Any]


def extra_parts(results: Results, folder: RunFolder) -> dict[str, Any]:
    """`bias_variance`, `cross_validation` and `randomness`; empty where nothing was trained for it.

    Args:
        results: with `groups` and `extra_members`.
        folder: where their predictions lie.
    """
    planned = results["groups"]
    return {
        "bias_variance": bias_variance_part(results, folder) if "resample" in planned else [],
        "cross_validation": cross_validation(results) if "folds" in planned else None,
        "randomness": randomness(results) if "randomness" in planned else [],
    }


def findings(results: Results) -> list[str]:
    """What a study shows beyond its verdict; nothing where it has only ordinary members."""
    unit = unit_in(results)
    return [
        *interim_sentences(results),
        *decomposition_sentences(results),
        *fold_sentences(results, unit),
        *sweep_sentences(results, unit),
        *randomness_sentences(results, unit),
        *_unfinished(results),
    ]


def _unfinished(results: Results) -> list[str]:
    """What diverged or was given up beside the ordinary networks, and what is left out for it."""
    extra = results.get("extra_members", ())
    first = min((m["seed"] for m in extra if m["group"] == "folds"), default=0)
    sentences = []
    for variant in results["variants"]:
        lost = [m for m in extra if m["variant"] == variant["name"] and m["status"] != "done"]
        samples = {m["place"] for m in lost if m["group"] == "resample"}
        repeats = {m["seed"] - first for m in lost if m["group"] == "folds"}
        streams = {m["stream"] for m in lost if m["group"] == "randomness"}
        for of, numbers, where in (
            ("training sample", samples, "bias and variance"),
            ("repeat", repeats, "cross-validation"),
        ):
            if numbers:
                sentences.append(
                    f"{label(variant)}: {of} {listed(map(str, sorted(numbers)))} (numbered from 0) "
                    f"left out of {where}, as not all its networks finished."
                )
        if streams:
            sentences.append(
                f"{label(variant)}: not all networks with {listed(sorted(streams))} varying "
                "finished; the deviation is that of the others."
            )
    return sentences
