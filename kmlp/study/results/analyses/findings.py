"""What a study shows beyond its verdict, in words."""

from collections.abc import Sequence

from kmlp.stats.formatting import listed
from kmlp.study.results.analyses.decompositions import decomposition_sentences
from kmlp.study.results.analyses.equal_cost import equal_cost_sentences
from kmlp.study.results.analyses.folds import fold_sentences
from kmlp.study.results.analyses.importance import importance_sentences
from kmlp.study.results.analyses.interim import interim_sentences
from kmlp.study.results.analyses.seed_streams import randomness_sentences
from kmlp.study.results.analyses.sweeps import sweep_sentences
from kmlp.study.results.records.members import Extra
from kmlp.study.results.records.study import StudyNumbers


def findings(results: StudyNumbers) -> list[str]:
    """Nothing where a study has only ordinary members."""
    return [
        *interim_sentences(results),
        *equal_cost_sentences(results),
        *decomposition_sentences(results),
        *fold_sentences(results),
        *sweep_sentences(results),
        *randomness_sentences(results),
        *importance_sentences(results),
        *_unfinished(results),
    ]


def _unfinished(results: StudyNumbers) -> list[str]:
    """What diverged or was given up beside the ordinary networks, and what is left out for it."""
    first = min((m.seed for m in results.extra_members if m.group == "folds"), default=0)
    lost = [m for m in results.extra_members if m.status != "done"]
    by_label = {v.label: [m for m in lost if m.variant == v.name] for v in results.variants}
    return [s for label, members in by_label.items() for s in _left_out(label, members, first)]


def _left_out(label: str, lost: Sequence[Extra], first: int) -> list[str]:
    samples = {m.place for m in lost if m.group == "resample"}
    repeats = {m.seed - first for m in lost if m.group == "folds"}
    streams = {m.stream for m in lost if m.stream}
    sentences = [
        f"{label}: {of} {listed(map(str, sorted(numbers)))} (numbered from 0) left out of {where}, "
        "as not all its networks finished."
        for of, numbers, where in (
            ("training sample", samples, "bias and variance"),
            ("repeat", repeats, "cross-validation"),
        )
        if numbers
    ]
    if streams:
        sentences.append(
            f"{label}: not all networks with {listed(sorted(streams))} varying finished; the "
            "deviation is that of the others."
        )
    return sentences
