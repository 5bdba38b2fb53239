"""What limits a verdict: what is not compared, not finished, or not what a reader may think."""

from math import inf
from typing import Protocol

from kmlp.config.tables.references import TRIVIAL
from kmlp.config.training import TrainConfig
from kmlp.stats.formatting import Unit, holm_decides, listed
from kmlp.stats.metrics.imbalance import fitting_metrics, is_dominated
from kmlp.study.results.analyses.folds import seeds_of_folds
from kmlp.study.results.analyses.interim import interim_sentences
from kmlp.study.results.analyses.readings import reading_sentences
from kmlp.study.results.analyses.reference_caveats import (
    holm_decides_on_references,
    references_on_other_rows,
)
from kmlp.study.results.analyses.references import trivial_sentences
from kmlp.study.results.baseline import baseline_in_words, the_network
from kmlp.study.results.ranking import is_imbalanced, only_on_these_rows, standing
from kmlp.study.results.records.members import MemberScores
from kmlp.study.results.records.study import StudyNumbers
from kmlp.study.results.records.variants import VersusBaseline

RESCORE = "kmlp rescore RUN"
"""The command of a sentence; whoever knows the run folder names it."""
_ENDED = 0.95


class Trained(Protocol):
    """A network of which is known when it was at its best, and when it stopped."""

    @property
    def best_epoch(self) -> int | None: ...
    @property
    def stopped_epoch(self) -> int | None: ...


def caveats(results: StudyNumbers) -> list[str]:
    """Sentences; none where nothing limits it."""
    return [
        *_holm_decides(results),
        *trivial_sentences(results),
        *_of_another_score(results),
        *not_picked(results),
        *_below_the_mean(results),
        *_cross_validated(results),
        *_not_compared(results),
        *_other_rows(results),
        *references_on_other_rows(results),
        *_diverged(results),
        *_given_up(results),
        *cut_short(results),
        *_piloted(results),
        *_tuned(results),
        *_imbalanced(results),
        *_absent(results),
        *_weighed(results),
        *_sampled(results),
        *_mixed(results),
        *reading_sentences(results),
    ]


def decisive_caveats(results: StudyNumbers) -> list[str]:
    """Those of the verdict's sentences that change how its answer is read."""
    return [
        *trivial_sentences(results),
        *not_picked(results),
        *_sampled(results),
        *_dominated(results),
        *cut_short(results),
        *_diverged(results),
        *_given_up(results),
        *_other_rows(results),
        *references_on_other_rows(results),
        *_tuned(results),
        *interim_sentences(results),
        *reading_sentences(results),
    ]


def _holm_decides(results: StudyNumbers) -> list[str]:
    """Of variants and of models beside them, each corrected by itself."""
    of_variants = holm_decides([v.versus_baseline for v in results.variants if v.versus_baseline])
    return list(dict.fromkeys(of_variants + holm_decides_on_references(results)))


def _below_the_mean(results: StudyNumbers) -> list[str]:
    """Why an R² below 0 stands beside the mean that is beaten."""
    constant = next((r.versus_best for r in results.references if r.name == TRIVIAL), None)
    if results.best is None or standing(constant, results.unit()) != "worse":
        return []
    r2 = results.variant(results.best.variant).test.get("r2")
    if r2 is None or r2.mean >= 0:
        return []
    return [
        f"An R² below 0, as {the_network(results)}'s, is an error larger than around the mean of "
        "the rows that test, which no model is told; the mean that is beaten is that of the "
        "training rows."
    ]


def _cross_validated(results: StudyNumbers) -> list[str]:
    """What the numbers are of where folds test, and what is left out for it."""
    folds = results.groups.folds
    if results.basis == "test" or folds is None:
        return []
    times = f", cut anew {folds.num_repeats} times" if folds.num_repeats > 1 else ""
    return [
        f"No row was set aside to test: scores and tests are of {folds.num_folds}-fold "
        f"cross-validation{times}, networks of their own trained on the other folds, corrected for "
        "the rows that they share. The networks that are exported train and validate on all rows: "
        "none is left to score them; expect of them what the folds say.",
        *seeds_of_folds(folds),
    ]


def _diverged(results: StudyNumbers) -> list[str]:
    lost = [m for m in results.members if isinstance(m, MemberScores) and m.status == "diverged"]
    seeds = {
        v.label: [f"{m.seed} (epoch {m.stopped_epoch})" for m in lost if m.variant == v.name]
        for v in results.variants
        if v.num_diverged
    }
    return [
        f"{label} diverged (a loss was not finite) with seed {', '.join(of_these)}: "
        "kept out of every mean."
        for label, of_these in seeds.items()
    ]


def _given_up(results: StudyNumbers) -> list[str]:
    return [
        f"{member.variant} with seed {member.seed} ended its process four times in a row, twice of "
        "them alone, and was given up: kept out of every mean."
        for member in results.members
        if member.status == "given_up"
    ]


def _of_another_score(results: StudyNumbers) -> list[str]:
    """What may show what an accuracy hides, where it shows no more than a constant's; of one class
    that dominates more is said."""
    if results.metric.name != "accuracy" or is_dominated(results.class_shares):
        return []
    if not trivial_sentences(results):
        return []
    metric = "auc" if results.dataset.task == "binary" else "balanced_accuracy"
    return [
        f"Another score may show more than the accuracy: {RESCORE} --metric {metric} judges these "
        "networks by it, and trains none anew."
    ]


def _piloted(results: StudyNumbers) -> list[str]:
    if not results.pilot:
        return []
    return [
        f"The strengths were chosen on validation, by {results.pilot.num_seeds} pilot seeds of "
        "their own; the seeds compared here had no part in it."
    ]


def not_picked(results: StudyNumbers) -> list[str]:
    """That a trial which the search did not pick does better than its default, and scores better
    than the pick, which would tempt to take it."""
    picked = next((v for v in results.variants if v.name == results.picked), None)
    if picked is None:
        return []
    unit = results.unit()
    of_pick = unit.gain(picked.test[unit.metric].mean) if picked.is_scored else -inf
    better = [
        v.label + " (on these rows alone)" * only_on_these_rows(v.versus_baseline)
        for v in results.variants
        if v.name != results.picked and v.versus_baseline
        if standing(v.versus_baseline, unit) == "better"
        if unit.gain(v.test[unit.metric].mean) > of_pick
    ]
    if not better:
        return []
    it, was = ("one of them", "were") if len(better) > 1 else ("it", "was")
    return [
        f"Better than {baseline_in_words(results)} {results.tested.where}, but not picked by the "
        f"search, {was} {listed(better)}: to choose {it} now would be to choose on the "
        f"{results.tested.rows}."
    ]


def _tuned(results: StudyNumbers) -> list[str]:
    """That a baseline which was not tuned stands beside variants that were."""
    if len(results.variants) < 2:
        return []
    baseline = baseline_in_words(results)
    if results.searched:
        most = results.variant(results.baseline).config.train["max_epochs"]
        usual = TrainConfig().max_epochs
        shorter = f", in at most {most} epochs (kmlp run gives {usual})" * (most < usual)
        return [
            f"The baseline, {baseline}, was not tuned{shorter}, and the others are of a search of "
            f"{results.searched} trials: what one gains holds for one that was tuned that much."
        ]
    if not results.pilot:
        return []
    return [
        f"The baseline, {baseline}, has no strength that could have been chosen: what a "
        "variant gains holds for one that was tuned that much."
    ]


def _mixed(results: StudyNumbers) -> list[str]:
    """That not all members were trained alike."""
    if not results.devices:
        return []
    return [
        f"Networks were trained by processors or cards of {len(results.devices)} kinds "
        f"({'; '.join(results.devices)}), which round differently: what they come to agrees to "
        "rounding, not to the bit. Each one's record names its own."
    ]


def _imbalanced(results: StudyNumbers) -> list[str]:
    shares = results.class_shares
    if results.metric.name != "accuracy" or not is_imbalanced(shares):
        return []
    if is_dominated(shares):
        return _dominated(results)
    return [
        f"Class {_commonest(results)} holds {100 * max(shares):.0f} % of the "
        f"{results.tested.rows}: read the balanced accuracy too, which counts every class alike."
    ]


def _dominated(results: StudyNumbers) -> list[str]:
    """Where the accuracy is next to nothing but one class's share, and the option to name."""
    shares = results.class_shares
    if results.metric.name != "accuracy" or not is_dominated(shares):
        return []
    first, second = fitting_metrics(shares)
    return [
        f"Accuracy misleads here: who always answers {_commonest(results)} is right on "
        f"{100 * max(shares):.3g} % of the {results.tested.rows}. {RESCORE} --metric "
        f"{first}, or --metric {second}, judges these networks by what counts the rare classes "
        "too, and trains none anew."
    ]


def _commonest(results: StudyNumbers) -> str:
    return results.dataset.class_names[results.class_shares.index(max(results.class_shares))]


def _weighed(results: StudyNumbers) -> list[str]:
    """What is not defined for rows that count differently."""
    if not results.dataset.is_weighted:
        return []
    return [
        "Rows count by their weights in training and in every score. Intervals over other test "
        "rows and McNemar's test are left out, which are defined for rows that count alike; "
        "figures of predictions and the confusion matrix count rows."
    ]


def _absent(results: StudyNumbers) -> list[str]:
    """Classes that no test row is of: a mean over classes leaves them out."""
    pairs = zip(results.dataset.class_names, results.class_shares, strict=False)
    absent = [name for name, share in pairs if not share]
    if not absent:
        return []
    return [f"No test row is of class {listed(absent[:10])}: no score here says anything of it."]


def _sampled(results: StudyNumbers) -> list[str]:
    data = results.dataset
    if data.source != "sample":
        return []
    return [
        f"This is the bundled sample, of which {data.num_train:,} rows train, {data.num_val:,} "
        f"validate and {data.num_test:,} test, not the full set: expect other numbers there."
    ]


def cut_short(results: StudyNumbers) -> list[str]:
    """Whether many networks were at their best in the last epochs that they were given.

    The last twentieth of them: under a rate that falls to 0 the very last epoch gains next to
    nothing, however much a longer training would. Where the last of equal best epochs is kept, it
    says nothing of this.
    """
    unsaid = {v.name for v in results.variants if v.config.train.get("keep_last_best")}
    done = [m for m in results.finished() if m.variant not in unsaid]
    last = {v.name: v.config.train["max_epochs"] for v in results.variants}
    improving = [m for m in done if improved_to_the_end(m, last[m.variant])]
    if 4 * len(improving) < len(done) or not improving:
        return []
    folds = " (those of the folds are not counted)" * (results.groups.folds is not None)
    return [
        f"{len(improving)} of {len(done)} networks{folds} were still getting better when "
        "max_epochs ended their training: more epochs may change the scores, and the ranking."
    ]


def improved_to_the_end(network: Trained, max_epochs: int) -> bool:
    """Whether it trained for as long as it could, and was at its best in the last epochs."""
    stopped, best = network.stopped_epoch, network.best_epoch
    return stopped == max_epochs and best is not None and best > _ENDED * stopped


def _not_compared(results: StudyNumbers) -> list[str]:
    """Variants without a seed that finished in them and in the baseline."""
    missing = [
        v
        for v in results.variants
        if v.name != results.baseline
        and v.versus_baseline is None
        and (v.num_members or not v.num_diverged)
    ]
    if not missing:
        return []
    names = listed(v.label for v in missing)
    pair = "repeat of all folds" if results.basis == "folds" else "seed"
    baseline = baseline_in_words(results)
    return [f"{names} cannot be compared with {baseline}: no {pair} finished in both."]


def _other_rows(results: StudyNumbers) -> list[str]:
    """Differences that hold over seeds, but not over other test rows as well."""
    baseline, unit = baseline_in_words(results), results.unit()
    return [
        on_other_rows(f"The difference of {v.label} from {baseline}", v.versus_baseline, unit)
        for v in results.variants
        if v.versus_baseline and only_on_these_rows(v.versus_baseline)
    ]


def on_other_rows(difference: str, versus: VersusBaseline, unit: Unit) -> str:
    """That a difference is told on these test rows alone: see `only_on_these_rows`.

    Args:
        difference: how the sentence begins.
        versus: the difference, with its sign, as tables have it.
        unit: of the scores.
    """
    interval = unit.interval(versus.ci95_seeds_and_rows, signed=True)
    return (
        f"{difference} holds for these test rows; over seeds and other test rows together its "
        f"95 % interval, with its sign {interval} {unit.of_difference}, contains zero."
    )
