"""How networks were made and trained: the setting, what regularizes, when training stops."""

from collections.abc import Mapping
from typing import Any

from kmlp.report.blocks import Table, facts_table
from kmlp.report.paper.document import (
    Chapter,
    Equation,
    Formula,
    Numbering,
    PaperBlock,
    Part,
    Prose,
)
from kmlp.report.paper.formulas import Rule, rules_of
from kmlp.report.paper.schedules import schedules
from kmlp.report.paper.statistics import statistics_chapters
from kmlp.report.sections.setting import settings_of
from kmlp.study.results.records.study import StudyResults

Studies = Mapping[str, StudyResults]
_HIDDEN = Formula(
    "h^((l)) = phi(W^((l)) h^((l-1)) + b^((l))), quad l = 1, ..., L",
    r"h^{(l)} = \phi(W^{(l)} h^{(l-1)} + b^{(l)}), \quad l = 1, \dots, L",
)
_LOSS = Formula(
    'cal(L) = 1 / (|B|) sum_(i in B) ell(y_i, f(x_i)) + "penalty"',
    r"\mathcal{L} = \frac{1}{|B|} \sum_{i \in B} \ell(y_i, f(x_i)) + \mathrm{penalty}",
)
_STEPS = {
    "sgd": (
        Formula("w <- w - eta_t g", r"w \leftarrow w - \eta_t g"),
        Formula(
            "u <- mu u - eta_t g, quad w <- w + u",
            r"u \leftarrow \mu u - \eta_t g, \quad w \leftarrow w + u",
        ),
        Formula(
            "u <- mu u - eta_t g, quad w <- w + mu u - eta_t g",
            r"u \leftarrow \mu u - \eta_t g, \quad w \leftarrow w + \mu u - \eta_t g",
        ),
    ),
    "rmsprop": (
        Formula(
            "v <- 0.9 v + 0.1 g^2, quad w <- w - eta_t g \\/ sqrt(v + epsilon)",
            r"v \leftarrow 0.9 v + 0.1 g^2, \quad w \leftarrow w - \eta_t g / \sqrt{v + \epsilon}",
        ),
    ),
}
_ADAM = Formula(
    "m <- beta_1 m + (1 - beta_1) g, quad v <- beta_2 v + (1 - beta_2) g^2, quad "
    "w <- w - eta_t sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)",
    r"m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, "
    r"\quad w \leftarrow w - \eta_t \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} "
    r"\frac{m}{\sqrt{v} + \epsilon}",
)


def methods_chapter(studies: Studies, numbers: Numbering) -> Chapter:
    """Of studies with one network and training; where they differ each has rows of its own.

    Args:
        studies: by name; the only one's may be empty.
        numbers: of the paper's tables.
    """
    parts = [
        Chapter("Data, network and training", _setting(studies, numbers)),
        Chapter("What regularizes", _regularizers(studies)),
        Chapter("When training stops", _stopping(studies)),
        *statistics_chapters(list(studies.values())),
    ]
    return Chapter("Methods", chapters=parts)


def _setting(studies: Studies, numbers: Numbering) -> list[PaperBlock]:
    first = next(iter(studies.values()))
    table = numbers.number(
        "The setting, before any variant changes it.", _facts(studies), floats=False
    )
    train = first.variant(first.baseline).config.train
    return [
        Prose(
            (
                f"All settings stand in {table.name}. Scaled inputs ",
                Formula("h^((0))", "h^{(0)}"),
                " pass through ",
                Formula("L", "L"),
                " hidden layers with the activation ",
                Formula("phi", r"\phi"),
                ":",
            )
        ),
        Equation(_HIDDEN),
        Prose(_output(first)),
        Equation(_LOSS),
        *_steps(train),
        table,
    ]


def _output(results: StudyResults) -> list[Part]:
    task = results.dataset.task
    ends = {
        "multiclass": "a softmax over the classes gives their probabilities, and the loss of a row "
        "is its cross-entropy",
        "binary": "a sigmoid gives the probability of the second class, and the loss of a row is "
        "its cross-entropy",
        "regression": "one linear unit gives the prediction, and the loss of a row is its squared "
        "error, of standardized targets",
    }
    return [
        f"A last layer follows: {ends[task]}, ",
        Formula("ell", r"\ell"),
        ". Over batches ",
        Formula("B", "B"),
        " training minimizes",
    ]


def _steps(train: Mapping[str, Any]) -> list[PaperBlock]:
    """The update rule, and how its rate changes."""
    name, momentum = train["optimizer"], train.get("momentum", 0.0)
    place = bool(momentum) + bool(momentum and train.get("nesterov"))
    formula = _ADAM if name in ("adam", "adamw") else _STEPS[name][place]
    spoken = {"sgd": "stochastic gradient descent", "rmsprop": "RMSprop"}.get(name, "Adam")
    return [
        Prose(
            (
                f"by {spoken}{_constants(train)}: with the gradient ",
                Formula("g", "g"),
                " and the rate ",
                Formula("eta_t", r"\eta_t"),
                " every step takes",
            )
        ),
        Equation(formula),
        *_schedule(train),
    ]


def _constants(train: Mapping[str, Any]) -> str:
    """The rule's own numbers; a study of an earlier release had Keras's."""
    names = {"adam": 3, "adamw": 3, "rmsprop": 1}.get(train["optimizer"], 0)
    known = (("ε", "epsilon", 1e-7), ("β₁", "beta_1", 0.9), ("β₂", "beta_2", 0.999))
    said = [f"{sign} = {train.get(name, default):g}" for sign, name, default in known[:names]]
    return f" ({', '.join(said)})" if said else ""


def _schedule(train: Mapping[str, Any]) -> list[PaperBlock]:
    plateau = train.get("reduce_on_plateau")
    if plateau:
        factor, patience = plateau.get("factor", 0.1), plateau.get("patience", 10)
        return [
            Prose(
                (
                    f"The rate begins at {train['learning_rate']:g} and is multiplied by "
                    f"{factor:g} when what is monitored has not improved for {patience} epochs, "
                    f"down to {plateau.get('min_learning_rate', 0):g}.",
                )
            )
        ]
    return schedules(train)


def _facts(studies: Studies) -> Table:
    """One line a setting; a study's name before what is its own."""
    found = {name: settings_of(results) for name, results in studies.items()}
    names = list(dict.fromkeys(fact for own in found.values() for fact in own))
    facts: dict[str, str] = {}
    for fact in names:
        values = {study: own[fact] for study, own in found.items() if fact in own}
        if len(set(values.values())) == 1 and len(values) == len(studies):
            facts[fact] = next(iter(values.values()))
        else:
            facts |= {f"{fact}, {study}": value for study, value in values.items()}
    return facts_table(facts)


def _regularizers(studies: Studies) -> list[PaperBlock]:
    """A paragraph a regularizer, then what else variants change."""
    used: dict[str, tuple[Rule, dict[str, None]]] = {}
    for results in studies.values():
        base = _values(results, results.baseline)
        for variant in results.variants:
            for name, (rule, value) in rules_of(_values(results, variant.name), base).items():
                said = f"{variant.name}: {value}" if value else variant.name
                used.setdefault(name, (rule, {}))[1][said] = None
    baseline = next(iter(studies.values())).baseline
    blocks: list[PaperBlock] = [
        Prose(
            (
                f"The baseline, {baseline}, is the network as above. Every other variant changes "
                "what its name says, and nothing else.",
            )
        )
    ]
    for rule, variants in used.values():
        blocks.append(Prose((f"({', '.join(variants)}) ", *rule.parts), lead=rule.title))
    if others := _others(studies):
        blocks.append(others)
    return blocks


def _values(results: StudyResults, variant: str) -> dict[str, Any]:
    config = results.variant(variant).config
    return {**config.model, **config.train}


def _others(studies: Studies) -> Prose | None:
    """Variants that set more than what regularizes: a rate, a width."""
    said: dict[str, None] = {}
    for results in studies.values():
        base = _values(results, results.baseline)
        for variant in results.variants:
            own = _values(results, variant.name)
            known = {"normalization", *rules_of(own, base)}
            beside = {"gradient_noise_decay"}
            changed = [n for n in own if own[n] != base[n] and n not in known | beside]
            if changed:
                what = ", ".join(f"{n.replace('_', ' ')} {_said(own[n])}" for n in changed)
                said[f"{variant.name} has {what}"] = None
    if not said:
        return None
    return Prose((f"{'; '.join(said)}.",), lead="Other settings")


def _said(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _stopping(studies: Studies) -> list[PaperBlock]:
    results = next(iter(studies.values()))
    train = results.variant(results.baseline).config.train
    if not train["early_stopping"]:
        return [Prose((f"Every network trains {train['max_epochs']} epochs.",))]
    kept = "best" if train["restore_best_weights"] else "last"
    # "Rows held out" would be those that validate as well, which do have a say.
    rows = "Rows of the fold that is left out" if results.basis == "folds" else "Test rows"
    delta, epochs = _plain(train["min_delta"]), train["patience"]
    return [
        Prose(
            (
                "With ",
                Formula("V_t", "V_t"),
                f", the {_monitored(results, train['monitor'])} after epoch ",
                Formula("t", "t"),
                ", and its best value ",
                Formula("b", "b"),
                " so far, an epoch improves where ",
                *_improves(train["monitor"]),
                ", which sets ",
                Formula("b = V_t", "b = V_t"),
                ". Training ends after ",
                Formula(f"P = {epochs}", f"P = {epochs}"),
                " epochs in a row that do not improve, with ",
                Formula(f"delta = {delta}", rf"\delta = {delta}"),
                f", or after {train['max_epochs']} epochs; the weights of the {kept} epoch are "
                f"taken. {rows} have no say in it.",
            )
        )
    ]


def _monitored(results: StudyResults, monitor: str) -> str:
    if monitor != "auto":
        return monitor.replace("val_", "validation ").replace("_", " ")
    return "validation loss without penalties" if results.dataset.num_val else "training loss"


def _improves(monitor: str) -> list[Part]:
    if monitor.endswith("accuracy"):
        return [Formula("V_t > b + delta", r"V_t > b + \delta")]
    return [Formula("V_t < b - delta", r"V_t < b - \delta")]


def _plain(number: float) -> str:
    """A number as a formula has it."""
    return f"{number:.10f}".rstrip("0").rstrip(".") if number else "0"
