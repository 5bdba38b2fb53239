"""Commands that go on from what a run found, filled in."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from kmlp.cli.options import Options
from kmlp.cli.training import seeds_needed
from kmlp.config import StudyConfig

if TYPE_CHECKING:
    from kmlp.study.loading import Study

# Variants that one may add, the last one to a linear network, too.
_EXAMPLES = ("dropout=0.5", "batch_norm", "l2=0.01")
_MOST_TIMES = 5


def print_next(
    target: str,
    folder: Path,
    options: Options,
    studies: Mapping[str, StudyConfig],
    found: "list[Study]",
    beside: Sequence[str],
) -> None:
    """Commands that go on from a run, filled in.

    Args:
        target, folder, options: what was run, and where.
        studies, found: what was asked, and what came of it.
        beside: all else that was said, as it is said.
    """
    from kmlp.study.results.caveats import cut_short

    print("\nNext:")
    for name, one in zip(studies, found, strict=True):
        place = quote(str(folder / name))
        print(f"  kmlp show {place}")
        if "" in studies and one.config.most_seeds > 1:
            hidden = [word for word in beside if word == "--hide-values"]
            for what, why in _exports(one).items():
                print(" ".join([f"  kmlp export {place} {what}", *hidden, f" # {why}"]))
    # Without the same settings the run folder would refuse to go on.
    again = called_again(found[0].record.dataset.source)
    same = f"{again} run {quote(target)} --out {quote(str(folder))}"
    # What folds test more seeds do not tell; of looks the number is theirs.
    is_of_seeds = all(one.record.basis == "test" for one in found)
    num_seeds = max(map(_more_seeds, found)) if is_of_seeds else 0
    if num_seeds and all(isinstance(config.num_seeds, int) for config in studies.values()):
        words = [*options.words("num_seeds"), *beside, f"--seeds {num_seeds}"]
        print(" ".join([f"  {same}", *words, " # more seeds: only these are trained"]))
    if "" in studies and (more := _one_more(studies[""], found[0].config, _hurting(found[0]))):
        words = [*options.words("variants"), *beside, more]
        print(" ".join([f"  {same}", *words, " # one more variant, as an example"]))
    if any(cut_short(one.record) for one in found):
        # Networks of other epochs are another study, which this folder would refuse.
        longer = f"{again} run {quote(target)} --out {quote(f'{folder}-longer')}"
        epochs = 2 * max(config.train.max_epochs for config in studies.values())
        words = [*options.words("max_epochs"), *beside, f"--max-epochs {epochs}"]
        print(" ".join([f"  {longer}", *words, " # more epochs, of all networks"]))


def called_again(source: str) -> str:
    """The command as it is said for the same data: without a network where that was asked for."""
    is_offline = source == "sample" and os.environ.get("KMLP_OFFLINE")
    return "KMLP_OFFLINE=1 kmlp" if is_offline else "kmlp"


def _exports(study: "Study") -> dict[str, str]:
    """What else may be taken away, by the options that say it."""
    from kmlp.study.results.analyses.references import winner
    from kmlp.study.results.ranking import best_variant, choice_scores, standing

    record, found = study.record, {"--member ensemble": "all its networks as one"}
    if record.basis == "folds" or study.config.calibration_fraction:
        what = "intervals" if record.dataset.is_regression else "sets of classes"
        found["--coverage 0.9"] = f"with {what} that hold the truth so often"
    best = best_variant(record.variants, record.unit(), record.picked)
    helping = [v for v in record.variants if standing(v.versus_baseline, record.unit()) == "better"]
    if helping and best not in helping and not (record.picked or record.ablated):
        score = choice_scores(record.variants, record.unit())
        first = max(helping, key=lambda v: score[v.name])
        found[f"--variant {quote(first.name)}"] = "what is shown to help"
    if better := winner(record.references, record.unit()):
        found[f"--variant {better.name}"] = f"{better.title}, for Python"
    return found


def _hurting(study: "Study") -> set[str]:
    """The kinds of the variants that are shown to be worse than the baseline."""
    from kmlp.study.results.ranking import standing

    record = study.record
    worse = [v for v in record.variants if standing(v.versus_baseline, record.unit()) == "worse"]
    return {_kind(v.name) for v in worse}


def _kind(variant: str) -> str:
    return variant.partition("=")[0]


def _one_more(said: StudyConfig, asked: StudyConfig, hurting: Collection[str] = ()) -> str:
    """The option that adds a variant, as an example; empty where tables say some, or all of these
    are there.

    Args:
        said: the study.
        asked: the same with all variants written out.
        hurting: kinds of variants of which nobody wants more.
    """
    there = {*asked.variant_names, *map(str, said.variants)}
    means_something = _EXAMPLES if asked.model.hidden_units else _EXAMPLES[-1:]
    wanted = (n for n in means_something if n not in there and _kind(n) not in hurting)
    new = next(wanted, None)
    if new is None or not all(isinstance(v, str) for v in said.variants):
        return ""
    return f"--variants {quote(','.join([*map(str, said.variants), new]))}"


def _more_seeds(study: "Study") -> int:
    """How many seeds may decide something of the variants: twice as many, or as many as it takes
    to test them, or to show the nearest of those that are open; 0 where all are decided, and where
    that would take many times as many."""
    most, needed = study.config.most_seeds, seeds_needed(study.config)
    compared = [v.versus_baseline for v in study.record.variants if v.versus_baseline]
    if not compared or most < needed:
        return max(2 * most, needed)
    is_open = [v for v in compared if not (v.is_significant or v.is_equivalent)]
    if any(v.equivalence or not v.is_tested for v in is_open):
        return max(2 * most, needed)
    wanted = [v.num_pairs + v.more_seeds for v in is_open if v.more_seeds is not None]
    nearest = min(wanted, default=0)
    return max(2 * most, nearest) if 0 < nearest <= _MOST_TIMES * most else 0
