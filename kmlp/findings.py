"""Sentences on bias and variance, folds, sweeps, randomness and added seeds.

They follow from the numbers of `results.json`, as those of `kmlp.verdict` do, and stand after them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.ranking import chosen_on, label, num_pairs, on_shared_seeds, selection_scores, tells_apart
from kmlp.stats import MIN_SEEDS_TO_TEST
from kmlp.sweep import written
from kmlp.units import STREAMS, Unit, listed, p_equals, unit_in

Results = Mapping[str, Any]
Entry = Mapping[str, Any]
_IN_FULL, _BY_NAME = 3, 5
_BIAS, _VARIANCE = "bias² + noise", "variance"


def findings(results: Results) -> list[str]:
    """What a study shows beyond its verdict; nothing where it has only ordinary members."""
    unit = unit_in(results)
    return [
        *_looks(results),
        *_decompositions(results),
        *_folds(results, unit),
        *_sweeps(results, unit),
        *_randomness(results, unit),
        *_unfinished(results),
    ]


def _decompositions(results: Results) -> list[str]:
    """What the baseline's error consists of, and what the best few do to it."""
    entries = sorted(
        results["bias_variance"], key=lambda entry: entry["squared_error"]["risk"]["value"]
    )
    if not entries:
        return []
    first = next((e for e in entries if e["variant"] == results["baseline"]), entries[0])
    sentences = [f"{_drawn(first)}: {_shares(first)}."]
    compared = [e for e in entries if e["versus_baseline"]]
    told = [(e, _changes(e)) for e in compared]
    in_full = [(e, changes) for e, changes in told if changes][:_IN_FULL]
    if in_full:
        clauses = [f"{label(_named(e))} {changes}" for e, changes in in_full]
        left = len(told) - len(in_full)
        rest = f"; the other {left} are in the report" if left > 1 else ""
        rest = "; the other one is in the report" if left == 1 else rest
        sentences.append(
            f"Against {results['baseline']} {'; '.join(clauses)}{rest} (95 % intervals, corrected "
            "for all variants)."
        )
    elif told:
        sentences.append(
            f"Neither bias nor variance of any variant can be told from {results['baseline']}'s "
            f"with {first['num_samples']} training samples."
        )
    return sentences


def _drawn(entry: Entry) -> str:
    kind = entry["resample"].partition(":")[0]
    seeds = f"{entry['num_seeds']} seed{'s' * (entry['num_seeds'] > 1)}"
    what = "disjoint training samples" if kind == "splits" else "bootstrap draws"
    return f"Over {entry['num_samples']} {what} of {entry['num_train']:,} rows, {seeds} on each"


def _shares(entry: Entry) -> str:
    """ "none's squared error is 88 % bias² + noise and 12 % variance, three quarters of it ..."."""
    found = entry["squared_error"]
    risk, variance = found["risk"]["value"], found["variance"]["value"]
    if risk <= 0:
        return f"{label(_named(entry))} makes no error"
    share = 100 * variance / risk
    text = (
        f"the squared error of {label(_named(entry))} is {100 - share:.0f} % {_BIAS} and "
        f"{share:.0f} % variance"
    )
    if entry["num_seeds"] == 1:
        text += ", where what its one seed does alike on every sample counts as bias"
    interval = found.get("variance_sample", {}).get("ci95")
    if variance > 0 and interval and interval[0] > 0 and interval[1] < variance:
        of_sample = 100 * found["variance_sample"]["value"] / variance
        text += (
            f", of which {of_sample:.0f} % comes from the sample and {100 - of_sample:.0f} % "
            "from initial weights, order and masks"
        )
    return text


def _changes(entry: Entry) -> str:
    """ "lowers variance by 31 % (25 to 37 %) and raises ..."; "" where unclear.

    What is told is picked from all variants, so the corrected intervals decide and are shown.
    """
    ratios = entry["versus_baseline"].get("squared_error", {})
    clauses: dict[str, list[str]] = {"lowers": [], "raises": [], "changes": []}
    for name, part in ((_VARIANCE, "variance"), (_BIAS, "bias")):
        ratio = ratios.get(f"{part}_ratio")
        bounds = ratio and ratio["ci95_corrected"]
        if not bounds or bounds[0] <= 1 <= bounds[1]:
            continue
        if round(100 * (ratio["value"] - 1)):
            clauses["lowers" if ratio["value"] < 1 else "raises"].append(_change(name, ratio))
        else:
            clauses["changes"].append(f"{name} by less than 1 %")
    said = [f"{verb} {listed(what)}" for verb, what in clauses.items() if what]
    return listed(said) if said else ""


def _change(name: str, ratio: Mapping[str, Any]) -> str:
    changes = sorted(100 * abs(bound - 1) for bound in ratio["ci95_corrected"])
    return (
        f"{name} by {100 * abs(ratio['value'] - 1):.0f} % ({changes[0]:.0f} to {changes[1]:.0f} %)"
    )


def _folds(results: Results, unit: Unit) -> list[str]:
    found = results["cross_validation"]
    if not found:
        return []
    best = max(found["variants"], key=lambda e: unit.gain(e["mean"]))
    times = f"{found['num_repeats']} times " if found["num_repeats"] > 1 else ""
    sentence = (
        f"In {found['num_folds']}-fold cross-validation, {times}over all training rows, "
        f"{label(_named(best))} has the best mean {unit.title}, {unit.with_unit(best['mean'])} "
        f"(95 % interval {unit.interval(best['ci95'])}, corrected for shared rows)"
    )
    versus = best["versus_baseline"]
    if versus:
        verb = "beats" if unit.gain(versus["difference"]) > 0 else "loses to"
        apart = verb if tells_apart(versus) else "cannot be told apart from"
        few = f" with fewer than {MIN_SEEDS_TO_TEST} folds in all"
        few = few if num_pairs(versus) < MIN_SEEDS_TO_TEST else ""
        sentence += (
            f"; it {apart} {results['baseline']}{few}: {unit.signed(versus['difference'])} "
            f"{unit.of_difference} ({unit.interval(versus['ci95'], signed=True)}, Holm p "
            f"{p_equals(versus['p_holm'])})"
        )
    return [f"{sentence}."]


def _sweeps(results: Results, unit: Unit) -> list[str]:
    """Where along each sweep the score is best, by what choices are made on."""
    by_name = {v["name"]: v for v in results["variants"] if v["num_members"]}
    scores = selection_scores(results["variants"], unit)
    sentences = []
    for sweep in results.get("sweeps", ()):
        variants = [by_name[name] for name in sweep["variants"] if name in by_name]
        if len(variants) < 2:
            continue
        part = chosen_on(variants[0])
        means = [v[part][unit.metric]["mean"] for v in variants]
        best = max(variants, key=lambda v: scores[v["name"]])
        where = "validation" if part == "val" else "training"
        values = dict(zip(sweep["variants"], sweep["values"], strict=True))
        edge = _edge(values[best["name"]], [values[v["name"]] for v in variants])
        # A value that the baseline has goes by the baseline's name.
        value = f"{sweep['field']}={written(values[best['name']])}"
        name = value if best["name"] == value else f"{best['name']} ({value})"
        sentences.append(
            f"Of {len(variants)} values of {sweep['field']} the mean {where} {unit.title}"
            f"{on_shared_seeds(variants)} is best with {name}, "
            f"{unit.with_unit(best[part][unit.metric]['mean'])} "
            f"({unit.range(means)} over all){edge}."
        )
    return sentences


def _edge(best: Any, values: Sequence[Any]) -> str:
    """A hint to go on where the best value is the least or the largest; none beyond 0."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return ""
    is_edge = best == max(values) or best == min(values) != 0
    return ", at the end of the range: try beyond it" if is_edge else ""


def _randomness(results: Results, unit: Unit) -> list[str]:
    """Of the baseline, or of the first variant: how much it varies, and with what most."""
    found = results["randomness"]
    if not found:
        return []
    entry = next((e for e in found if e["variant"] == results["baseline"]), found[0])
    by_stream = {s["stream"]: s["sd"] for s in entry["streams"]}
    alone = [s for s in by_stream if s in STREAMS]
    if not alone or "all" not in by_stream:
        return []
    most = max(alone, key=lambda s: by_stream[s]["value"])
    everything = by_stream["all"]
    return [
        f"The test {unit.title} of {label(_named(entry))} has a standard deviation of "
        f"{unit.value(everything['value'])} {_points(unit)}(95 % interval "
        f"{unit.interval(everything['ci95'])}) over seeds; of one stream alone the largest "
        f"estimate is that of the {STREAMS[most]}, {unit.value(by_stream[most]['value'])} "
        f"({unit.interval(by_stream[most]['ci95'])})."
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


def _points(unit: Unit) -> str:
    return "points " if unit.of_difference == "points" else ""


def _looks(results: Results) -> list[str]:
    """Who was decided when, as the validation rows had it."""
    found = results.get("looks")
    if not found or not found["taken"]:
        return []
    last: dict[str, Entry] = {
        d["variant"]: d for taken in found["taken"] for d in taken["decisions"]
    }
    kinds = {
        f"told apart from {results['baseline']}": ("better", "worse"),
        "known as precisely as was asked": ("precise",),
        "still undecided": ("open", "undecided"),
    }
    clauses = [
        f"{words} after {seeds} seeds: {_names(of_these)}"
        for words, statuses in kinds.items()
        for seeds, of_these in _by_seeds([d for d in last.values() if d["status"] in statuses])
    ]
    looks = listed(str(taken["num_seeds"]) for taken in found["taken"])
    said = "; ".join(clauses)
    return [f"Seeds were added as the validation rows asked, looked at with {looks}; {said}."]


def _by_seeds(decisions: Sequence[Entry]) -> list[tuple[int, list[str]]]:
    """Which variants rest on how many seeds, the fewest first."""
    numbers = sorted({d["num_seeds"] for d in decisions})
    return [(n, [d["variant"] for d in decisions if d["num_seeds"] == n]) for n in numbers]


def _names(names: Sequence[str]) -> str:
    return listed(names) if len(names) <= _BY_NAME else f"{len(names)} variants"


def _named(entry: Entry) -> dict[str, str]:
    return {"name": entry["variant"], "strength": entry["strength"]}
