"""One step of every member's own optimizer, with all that acts on gradients and weights."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from keras import ops

from kmlp.config import TrainConfig
from kmlp.nn import backend, random_bits, update_rules
from kmlp.nn.steps.schedules import schedule_factor
from kmlp.nn.topology import OUTPUT

Hyper = Mapping[str, Any]
# Of weights that are neither kernels nor normalize, by the last part of their path.
_KINDS = {
    "bias": "bias",
    "scale": "scale",
    "alpha": "activation",
    "embeddings": "embedding",
    **dict.fromkeys(("frequencies", "phases", "mixing", "offsets"), "number"),
}


def num_slots(train: TrainConfig) -> int:
    """State tensors of each weight, of its shape, with the average where weights are averaged."""
    rule = update_rules.update_rule(train.optimizer, momentum=train.momentum > 0)
    return rule.num_slots + (train.ema_momentum > 0)


class MemberStep:
    """The steps of a stack: what its members need is computed, and no more.

    Args:
        train: what its members share.
        needs: what any of them needs, by the records' `switch`.
        optional: those of them that some member does without.
        paths: of the weights, in their order.
        bounds_output: whether max-norm bounds the output layer, too.
    """

    def __init__(
        self,
        train: TrainConfig,
        needs: Collection[str],
        optional: Collection[str],
        paths: Sequence[str],
        bounds_output: bool = False,
    ) -> None:
        self.train, self.needs, self.optional = train, needs, optional
        self.rule = update_rules.update_rule(
            train.optimizer, momentum="momentum" in needs, nesterov=train.nesterov
        )
        self.averages = "ema_momentum" in needs
        self.num_slots = self.rule.num_slots + self.averages
        self.is_kernel = [path.endswith("/kernel") for path in paths]
        self._is_bounded = [
            k and (bounds_output or not p.startswith(OUTPUT))
            for k, p in zip(self.is_kernel, paths, strict=True)
        ]
        kinds = [_KINDS.get(path.rpartition("/")[2]) for path in paths]
        self._rates, self._decays = (
            [name if (name := f"{kind}_{of}_factor") in needs else None for kind in kinds]
            for of in ("rate", "decay")
        )

    def hyper_at(self, hyper: Hyper, step: Any, num_steps: int) -> dict[str, Any]:
        """The numbers of one step, those with a schedule as they are in it."""
        own = dict(hyper)
        for name in ("learning_rate", "weight_decay"):
            factor = self.factor(name, hyper, step, num_steps)
            if not isinstance(factor, float):
                own[name] = own[name] * factor
        if "momentum_warm_up" in self.needs:
            own["momentum"] = _risen(hyper, step, num_steps)
        return own

    def factor(self, strength: str, hyper: Hyper, step: Any, num_steps: int) -> Any:
        """What the schedule of "learning_rate", "weight_decay" or "dropout" makes of it: `(k,)`, or
        1 where it stays as it is."""
        warm_up = "warm_up" if strength == "learning_rate" else f"{strength}_warm_up"
        return schedule_factor(
            getattr(self.train, f"{strength}_schedule"),
            step,
            num_steps,
            warm_up=hyper.get(warm_up, 0.0),
            decay_rate=hyper.get("decay_rate", TrainConfig.decay_rate),
        )

    def apply(
        self, gradients: list, weights: list, slots: list, step: Any, hyper: Hyper, key: Any
    ) -> tuple[list, list]:
        """The next weights and slots.

        Args:
            gradients: of the weights, each `(k, rows, units)`.
            weights: as many.
            slots: lists of the same shapes.
            step: `(k,)`.
            hyper: `(k,)` each, as `hyper_at` gives them.
            key: `(k, 2)`, of gradient noise; None where no member needs it.
        """
        if "gradient_noise" in self.needs:
            gradients = self._noisy(gradients, key, step, hyper)
        hyper = {name: ops.reshape(value, (-1, 1, 1)) for name, value in hyper.items()}
        step = ops.reshape(step, (-1, 1, 1))
        new_weights, new_slots = [], []
        for i, (gradient, weight) in enumerate(zip(gradients, weights, strict=True)):
            own = self._own(hyper, i)
            if "clipnorm" in self.needs:
                gradient = self._penalized(gradient, weight, own, i)
                gradient = update_rules.clip_by_norm(gradient, own)
            weight, *slot = self._stepped(gradient, weight, slots[i], step, own, i)
            if "max_norm" in self.needs and self._is_bounded[i]:
                weight = update_rules.constrain(weight, own)
            new_weights.append(weight)
            new_slots.append(slot)
        return new_weights, new_slots

    def _stepped(
        self, gradient: Any, weight: Any, slots: list, step: Any, own: Hyper, i: int
    ) -> list:
        """One weight after its rule, then its slots: a pass over what they are stored in."""

        def stepped(gradient: Any, weight: Any, *slots: Any) -> list:
            if "clipnorm" not in self.needs:
                gradient = self._penalized(gradient, weight, own, i)
            if "weight_decay" in self.needs:
                weight = weight - weight * own["weight_decay"] * own["learning_rate"]
            of_rule = list(slots[: self.rule.num_slots])
            weight, slot = self.rule.update(gradient, weight, of_rule, step, own)
            if self.averages:
                slot = [*slot, update_rules.average(slots[-1], weight, step, own)]
            return [weight, *slot]

        return backend.in_one_pass(stepped, [gradient, weight, *slots])

    def _penalized(self, gradient: Any, weight: Any, own: Hyper, i: int) -> Any:
        """With the gradient of a kernel's penalty."""
        if not self.is_kernel[i] or "penalty" not in self.needs:
            return gradient
        return gradient + update_rules.penalty_gradient(weight, own)

    def kept(self, state: Mapping[str, Any]) -> list:
        """The weights that are evaluated and kept: the averages, where weights are averaged."""
        return [slots[-1] for slots in state["slots"]] if self.averages else state["weights"]

    def _own(self, hyper: Hyper, i: int) -> Hyper:
        """The numbers of one weight: of its kind, the rate and the decay."""
        own = dict(hyper)
        if rate := self._rates[i]:
            own["learning_rate"] = own["learning_rate"] * hyper[rate]
        if (decay := self._decays[i]) and "weight_decay" in self.needs:
            own["weight_decay"] = own["weight_decay"] * hyper[decay]
        return own

    def _noisy(self, gradients: list, key: Any, step: Any, hyper: Hyper) -> list:
        """Gradients with the noise of one step; as they are where some members of the stack want
        it and none of these does."""
        sizes = [_size(g) for g in gradients]
        ends = list(itertools.accumulate(sizes[:-1]))

        def noisy(gradients: list, zero: Any) -> list:
            words = random_bits.random_words(key, step + zero, sum(sizes))
            stddev = ops.reshape(update_rules.noise_stddev(step, hyper), (-1, 1, 1))
            parts = zip(ops.split(words, ends, axis=1), gradients, strict=True)
            return [g + stddev * update_rules.gaussian(p, g.shape, g.dtype) for p, g in parts]

        if "gradient_noise" not in self.optional:
            return noisy(gradients, 0)
        return random_bits.where_any(hyper["gradient_noise"], noisy, gradients)


def _risen(hyper: Hyper, step: Any, num_steps: int) -> Any:
    """The momentum of one step, `(k,)`: on its way from the initial one, or what it ends as."""
    rising = schedule_factor("constant", step, num_steps, warm_up=hyper["momentum_warm_up"])
    first = hyper["initial_momentum"]
    return first + (hyper["momentum"] - first) * rising


def _size(weight: Any) -> int:
    """Number of one member's values."""
    _, rows, units = weight.shape
    return rows * units
