"""What was trained, on what, and which settings came out best: for who repeats or grades it."""

from collections.abc import Mapping
from typing import Any

from kmlp.config.settings import RECORDS, lacks
from kmlp.report.blocks import Section, Text, facts_table
from kmlp.stats.formatting import Unit
from kmlp.study.results.records.base import Plain
from kmlp.study.results.records.basis import Tested
from kmlp.study.results.records.decompositions import Resampling
from kmlp.study.results.records.folds import FoldPlan
from kmlp.study.results.records.members import MemberScores
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult

_STOPPING = ("early_stopping", "monitor", "min_delta", "patience", "restore_best_weights")


def setting_section(results: StudyResults) -> Section:
    """Data, the network and the training that all variants share, seeds and samples."""
    return Section("setting", "The setting", [facts_table(settings_of(results))])


def settings_of(results: StudyResults) -> dict[str, str]:
    """The same, a line each."""
    config = results.variant(results.baseline).config
    facts = {
        "Data": _data(results),
        f"Network (variant {results.baseline})": _settings(config.model),
        **_training(config.train),
        "Trials": _trials(results),
    }
    if results.dataset.parted_by:
        facts["Which rows test"] = "; ".join(results.dataset.parted_by)
    if samples := results.groups.resample:
        facts["Samples"] = _samples(samples)
    if (folds := results.groups.folds) and results.basis == "folds":
        facts["Folds"] = _folds(folds)
    return facts


def best_section(results: StudyResults) -> Section | None:
    """What validation chose, and what to expect of it; None where nothing finished."""
    best, unit = results.best, results.unit()
    if not best:
        return None
    variant = results.variant(best.variant)
    member = next(m for m in results.finished(best.variant) if m.id == best.member)
    facts = {
        "Variant": variant.full_label,
        "Network": _settings(variant.config.model),
        **_training(variant.config.train),
        f"Its {unit.title}": _scores(variant, unit, results.tested),
        "One network of it": (
            f"seed {best.seed}, of the lowest validation loss{_own_score(member, unit)}; weights "
            f"of epoch {member.best_epoch} of {member.stopped_epoch}"
        ),
    }
    no_say = "the test set had" if results.basis == "test" else "the scores of the folds had"
    which = f"The variant with the best mean {unit.title} on the validation rows"
    if best.variant == results.picked:
        which = "The trial that the search picked, before the seeds of this study"
    how = (
        f"{which}; {no_say} no say. "
        "What can be expected is the variant's mean, not the score of its luckiest network."
    )
    return Section("best", "The best settings", [Text(how), facts_table(facts)])


def _own_score(member: MemberScores, unit: Unit) -> str:
    """A network's own on the test rows; that which has trained on all rows has none."""
    if not member.test:
        return ""
    return f": {unit.title} {unit.with_unit(member.score('test', unit.metric))} on the test rows"


def _data(results: StudyResults) -> str:
    dataset = results.dataset
    kinds = f", {len(dataset.class_names)} classes" if dataset.class_names else ""
    drawn = {"given": "given", "last": "the last ones"}.get(
        dataset.validation or "", "drawn by each seed"
    )
    held_out = drawn if dataset.num_val else "none held out"
    kept = ""
    if dataset.num_calibration:
        kept = f", {dataset.num_calibration:,} calibration (seen by no network)"
    tested = f"{dataset.num_test:,} test rows"
    if results.basis == "folds":
        tested = "no test rows: each row is held out in its fold"
    return (
        f"{dataset.name} ({dataset.source}): {dataset.num_train:,} training, "
        f"{dataset.num_val:,} validation ({held_out}){kept} and {tested}{kinds}"
    )


def _training(train: Plain) -> dict[str, str]:
    own = {k: v for k, v in train.items() if k not in _STOPPING}
    return {"Training": _settings(own), "Early stopping": _stopping(train)}


def _stopping(train: Plain) -> str:
    if not train["early_stopping"]:
        return f"none: all {train['max_epochs']} epochs"
    kept = "best" if train["restore_best_weights"] else "last"
    monitor = "validation loss" if train["monitor"] == "auto" else train["monitor"]
    return (
        f"when the {monitor} has not improved on its best by more than "
        f"{train['min_delta']:g} in {train['patience']} epochs; weights of the {kept} epoch"
    )


def _trials(results: StudyResults) -> str:
    numbers = sorted({v.num_members for v in results.variants})
    seeds = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return (
        f"{seeds} seeds a variant; one seed gives every variant the same initial weights, order of "
        "the rows and validation rows"
    )


def _folds(folds: FoldPlan) -> str:
    times = f", cut anew {folds.num_repeats} times" if folds.num_repeats > 1 else ""
    return (
        f"{folds.num_folds} parts of all rows{times}: {folds.num_folds * folds.num_repeats} more "
        f"networks a variant, each scored on the {folds.num_held_out:,} rows that it was kept from"
    )


def _samples(samples: Resampling) -> str:
    kind = "disjoint parts" if samples.kind == "splits" else "bootstrap draws"
    return (
        f"for bias and variance, {samples.num_samples} {kind} of {samples.num_train:,} "
        f"training rows each, {samples.num_seeds} seeds a part"
    )


def _scores(variant: VariantResult, unit: Unit, tested: Tested) -> str:
    said = []
    for scores, words in ((variant.val, "validation"), (variant.test, tested.adjective)):
        summary = scores.get(unit.metric)
        if not summary:
            continue
        text = f"{words} {unit.with_unit(summary.mean)}"
        if summary.se is not None:
            text += f" (standard error {unit.value(summary.se)})"
        said.append(text)
    return ", ".join(said)


def _settings(values: Plain) -> str:
    """Settings without what is off, or says how something acts that is."""
    shown = {k: v for k, v in values.items() if k == "hidden_units" or _acts(k, values)}
    return ", ".join(f"{_words(k)} {_value(v)}" for k, v in shown.items())


def _acts(name: str, values: Plain) -> bool:
    record = RECORDS.get(name)
    if record is None:  # a part of a field's own table
        return bool(values[name])
    return record.is_on(values[name]) and not lacks(name, values)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_settings(value)})"
    if isinstance(value, list):
        return "-".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
