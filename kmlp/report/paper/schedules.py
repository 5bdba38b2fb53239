"""How rates and strengths change over the steps of a training, as formulas."""

from collections.abc import Mapping
from typing import Any

from kmlp.report.paper.document import Formula, PaperBlock, Part, Prose

_COSINE = Formula("(1 + cos(pi s)) \\/ 2", r"(1 + \cos(\pi s)) / 2")
_FLAT_COSINE = Formula(
    "(1 + cos(pi max(2 s - 1, 0))) \\/ 2", r"(1 + \cos(\pi \max(2 s - 1, 0))) / 2"
)
_COSLOG = Formula(
    "(1 - cos(2 pi log_2(1 + 15 s))) \\/ 2", r"(1 - \cos(2 \pi \log_2(1 + 15 s))) / 2"
)
# What it is multiplied with, s being the part of all steps that is done.
_FACTORS: dict[str, Part] = {
    "constant": "1",
    "cosine": _COSINE,
    "flat_cosine": _FLAT_COSINE,
    "coslog4": _COSLOG,
    "step": "1, from half of all steps on 0.1 and from three quarters on 0.01",
    "cosine_restarts": "half a cosine from 1 to 0, three times, each twice as long as the one "
    "before",
}


def _falling_to(rate: float) -> dict[str, Part]:
    """The factors that end at a number which is said."""
    slope = f"{1 / rate - 1:g}"
    return {
        "exponential": Formula(f"{rate:g}^s", f"{rate:g}^s"),
        "inverse": Formula(f"1 \\/ (1 + {slope} s)", f"1 / (1 + {slope} s)"),
    }


def schedules(train: Mapping[str, Any]) -> list[PaperBlock]:
    """A paragraph for what changes: the rate, the decay of weights, dropout, the momentum."""
    found: list[Part] = []
    subjects = {"learning_rate": "rate", "weight_decay": "weight decay", "dropout": "dropout rate"}
    for name, subject in subjects.items():
        found += _changes(name, subject, train)
    if part := train.get("momentum_warm_up", 0.0):
        found.append(
            f"The momentum rises evenly from {train.get('initial_momentum', 0.0):g} to "
            f"{train['momentum']:g} in the first {100 * part:g} % of all steps. "
        )
    return [Prose(tuple(found))] if found else []


def _changes(name: str, subject: str, train: Mapping[str, Any]) -> list[Part]:
    kind = train.get(f"{name}_schedule", "constant")
    part = train.get("warm_up" if name == "learning_rate" else f"{name}_warm_up", 0.0)
    if kind == "constant" and not part:
        return []
    if name == "weight_decay" and not train.get(name):
        return []
    steps = " of all steps"
    found: list[Part] = []
    if part:
        found.append(f"The {subject} rises evenly in the first {100 * part:g} %{steps}. ")
        steps = " of the steps after"
    if kind == "constant":
        return found
    rate = train.get("decay_rate", 0.01)
    factor = {**_FACTORS, **_falling_to(rate)}[kind]
    done: tuple[Part, ...] = (", where ", Formula("s", "s"), f" is the part{steps} that is done")
    named = done if isinstance(factor, Formula) else ()
    return [*found, f"In each step the {subject} is multiplied by ", factor, *named, ". "]
