"""Measurements as Markdown, with the goals beside them."""

import statistics
from collections.abc import Iterable, Iterator, Sequence

from race.epoch_mode import EpochRun, Timing
from race.setting import DROPOUT, L2, Setting
from race.sides import SIDES
from race.study_mode import StudyRun, StudyTiming

_MIB = 2**20
_QUIET_CORES = 0.2


def machine_table(facts: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def epoch_table(run: EpochRun) -> str:
    """One setting: every side's marginal time, rate, once-only time, memory and accuracy."""
    train, val = run.num_rows
    lines = [
        f"### {describe(run.setting)}",
        f"{train:,} training and {val:,} validation rows a member; products "
        f"{run.flops / 1e9:.1f} GFLOP a member-epoch of training "
        f"({run.flops_with_validation / 1e9:.1f} with validation); "
        f"accuracy after {1 + run.epochs} epochs.",
        "",
        "| side | members timed | s per member-epoch (min to max) | times kmlp's | CPU s | GFLOP/s "
        "| once, s a member | first call, s | memory, MiB | val. accuracy |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(run, timing) for timing in run.timings.values()),
        "",
        *(f"- {line}" for line in [*_notes(run), *run.notices]),
    ]
    return "\n".join(lines)


def study_table(run: StudyRun) -> str:
    """A study's wall time by side."""
    setting = run.setting
    lines = [
        f"### Study: {len(setting.variants)} variants ({', '.join(setting.variants)}) x "
        f"{setting.num_seeds} seeds, {describe(setting)}",
        "",
        "| side | seeds timed | s of the whole study (min to max) | times `run_study`'s "
        "| epochs a member | memory, MiB | test accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, timing in run.timings.items():
        told = _extrapolated(run, name) or f"{timing.num_seeds}"
        ratio = _span(run.ratios(name), 2) if "study_kmlp" in run.timings else ""
        lines.append(
            f"| {SIDES[name].title} | {told} | {_span(timing.seconds, 1)} | {ratio} "
            f"| {timing.epochs:.1f} | {timing.peak_bytes / _MIB:,.0f} | {timing.accuracy:.4f} |"
        )
    notices = [*run.notices, *_noise_notices(run.timings.values())]
    return "\n".join([*lines, "", *(f"- {notice}" for notice in notices)])


def goal_table(epoch_runs: Sequence[EpochRun], study_runs: Sequence[StudyRun]) -> str:
    """What was aimed at and what was measured; empty where no goal speaks of what was run."""
    rows = [row for run in epoch_runs for row in _epoch_goals(run)]
    rows += [row for run in study_runs for row in _study_goals(run)]
    if not rows:
        return ""
    return "\n".join(
        ["### Goals", "", "| setting | goal | measured | reached |", "|---|---|---|---|", *rows]
    )


def describe(setting: Setting) -> str:
    widths = "-".join(map(str, setting.hidden_units))
    text = f"{widths} hidden, batch {setting.batch_size}, {setting.dtype}"
    if setting.num_seeds:
        return text
    return f"K = {setting.num_members}: {text}, dropout {DROPOUT}, L2 {L2}, a rate a member"


def _row(run: EpochRun, timing: Timing) -> str:
    info, ratio = SIDES[timing.name], ""
    if "kmlp" in run.timings:
        ratio = _span(run.ratios(timing.name), 2)
    cells = [
        info.title,
        str(timing.count),
        _span(timing.marginal, 4),
        ratio,
        f"{statistics.median(timing.cpu):.4f}",
        f"{run.flops / timing.median / 1e9:,.0f}",
        f"{statistics.median(timing.once):.2f}",
        f"{timing.cold:.1f}",
        f"{timing.peak_bytes / _MIB:,.0f}",
        "" if timing.accuracy is None else f"{timing.accuracy:.4f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _notes(run: EpochRun) -> Iterator[str]:
    for timing in run.timings.values():
        info = SIDES[timing.name]
        said = [text for text in (info.note, timing.choice) if text]
        if said:
            yield f"{info.title}: {'; '.join(said)}"
    yield from _noise_notices(run.timings.values())
    if run.timings and min(min(t.marginal) for t in run.timings.values()) <= 0:
        yield "**some differences are below zero**: too few rows or epochs for this noise"
    few = [t for t in run.timings.values() if t.count < run.setting.num_members]
    if few:
        yield (
            f"loops were timed with the members named of {run.setting.num_members}: "
            "their time grows with the number of members"
        )


def _noise_notices(timings: Iterable[Timing | StudyTiming]) -> Iterator[str]:
    busiest = max((max(t.foreign_cores) for t in timings), default=0.0)
    if busiest > _QUIET_CORES:
        yield (
            f"**the machine was not quiet**: up to {busiest:.1f} cores worked for others meanwhile;"
            " trust the ratios little, the times less"
        )


def _epoch_goals(run: EpochRun) -> Iterator[str]:
    setting, name = run.setting, describe(run.setting)
    if "kmlp" not in run.timings:
        return
    if "keras_fit" in run.timings:
        if setting.num_members == 1:
            wanted = 1.0
        else:
            wanted = {(128, 64): 8.0, (512, 256): 2.5, (1024, 1024): 1.0}.get(
                setting.hidden_units, 0.0
            )
        if wanted:
            yield _goal(name, f"{wanted:g} times plain `fit`", run.ratios("keras_fit"), wanted)
    if "kmlp_before" in run.timings:
        is_small_step = (setting.hidden_units, setting.batch_size) == ((512, 256, 128), 64)
        wanted = 1.5 if is_small_step else 1.0
        yield _goal(
            name, f"{wanted:g} times the checkout before", run.ratios("kmlp_before"), wanted
        )
    floor = run.floor
    is_named = (setting.hidden_units, setting.batch_size, setting.num_members) == (
        (128, 64),
        128,
        10,
    )
    if floor and is_named:
        shares = run.ratios(floor.name)
        yield _goal(
            name, "65 % of the floor's rate, validation's products not counted", shares, 0.65
        )
        counted = [share * run.flops_with_validation / run.flops for share in shares]
        yield f"| {name} | the same, validation's products counted | {_span(counted, 2)} | |"


def _study_goals(run: StudyRun) -> Iterator[str]:
    for side, wanted in (("study_fit", 6.0), ("study_tuned", 3.0)):
        if side in run.timings and "study_kmlp" in run.timings:
            goal = f"{wanted:g} times the {SIDES[side].title} loop"
            if extrapolated := _extrapolated(run, side):
                goal += f" ({extrapolated})"
            yield _goal(f"study, {describe(run.setting)}", goal, run.ratios(side), wanted)


def _extrapolated(run: StudyRun, side: str) -> str:
    """From how many seeds; empty where all were trained."""
    trained, wanted = run.timings[side].num_seeds, run.setting.num_seeds
    return f"extrapolated from {trained} of {wanted} seeds" if trained < wanted else ""


def _goal(setting: str, goal: str, values: Sequence[float], wanted: float) -> str:
    reached = "yes" if statistics.median(values) >= wanted else "no"
    return f"| {setting} | at least {goal} | {_span(values, 2)} | {reached} |"


def _span(values: Iterable[float], digits: int) -> str:
    """The median, and the range where there are several."""
    values = list(values)
    median = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return median
    return f"{median} ({min(values):.{digits}f} to {max(values):.{digits}f})"
