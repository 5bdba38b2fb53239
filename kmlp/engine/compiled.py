"""The compiled programs that train and evaluate stacks: pure functions of a state.

A `Program` holds no stack's state, so that every stack of one signature and size shares it, in
every thread; `kmlp.engine.programs.kept` keeps them.
"""

import threading
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kmlp.config.tables.widths import subnetworks
from kmlp.data.dataset import DataSpec
from kmlp.engine.signature import Signature
from kmlp.nn import backend, update_rules
from kmlp.nn.layer_factories import StackedLayers
from kmlp.nn.loops import count, for_batches, only, part, replaced, worth_padding
from kmlp.nn.losses import class_logits, hits, plain_loss, smooth_labels, weighed
from kmlp.nn.sharing.layers import mean_outputs
from kmlp.nn.steps import mixup
from kmlp.nn.steps.member_step import MemberStep
from kmlp.nn.topology import assemble, own_dtype
from kmlp.stats.monitoring import plain_loss_name

State = dict[str, Any]
# In training, whatever the stack: a sum over other batches would be rounded otherwise.
EVALUATION_BATCH = 512
# What an epoch changes of a state.
_CHANGING = ("weights", "others", "slots", "step")
WEIGHT_SCALE = "weight_scale"
"""Of a state's targets: 1 / the mean weight of each member's training rows."""


class Program:
    """The compiled functions of one signature at one number of members.

    - `train_epoch(state, x, y, order, held_out, num_groups) -> (state, logs)`: one epoch over the
      rows of `order` `(k, n)`, then the plain loss and accuracy of those of `held_out` `(k, m)`,
      which may be none, as `val_`. Members train `group` at a time, one group after the other,
      and only the first `num_groups` of them; the others' logs are zeros.
    - `predict(state, examples)`: of `(n, features)` raw inputs, the same for all members,
      log-probabilities `(k, n, num_classes)`, or predictions `(k, n)` in the target's own unit.
    - `places`: where it has been compiled, by index.

    Under the policy "mixed_bfloat16" the products of a training step are computed in bfloat16;
    weights, losses, statistics and all that is evaluated and predicted stay in `floatx`, so that
    the exported network is the one that was scored.

    `x` is `(num_rows, features)` on the device, `y` `(num_rows,)`, of weighted rows a pair of that
    and their weights; logs are `(k,)`. The state's parts, member axis first: `weights`, `others`
    (the layers' non-trainable variables), `slots` (the optimizer's, by weight), `step`, `hyper`,
    `keys`, `targets`.
    """

    def __init__(
        self, signature: Signature, num_members: int, spec: DataSpec, group: int | None = None
    ) -> None:
        self.needs, self.optional, self.task = signature.needs, signature.optional, spec.task
        self.is_weighted, self.subnetworks = spec.is_weighted, subnetworks(signature.model)
        self.group, self.places = group or num_members, set[int]()
        self.lock = threading.Lock()
        self.model = self._group_model = stacked_model(signature, num_members, spec)
        if self.group < num_members:
            self._group_model = stacked_model(signature, self.group, spec)
        self._training_model = self._group_model
        self.train = train = signature.train
        if train.dtype_policy != "float32":
            self._training_model = stacked_model(signature, self.group, spec, train.dtype_policy)
        # Batch statistics are of all rows of a batch: none may stand in for another.
        self._pads = signature.model.normalization != "batch"
        self._has_nobody = signature.has_nobody
        paths = [v.path for v in self.model.trainable_variables]
        bounds_output = signature.model.output_max_norm
        self.step = MemberStep(train, self.needs, self.optional, paths, bounds_output)
        self._scheduled = {held["strength"] for held in _places_of(self.model, "dropout")}
        self._mixup: dict[str, int] = next(iter(_places_of(self.model, "mixup")), {})
        self._update = backend.fuse(self.step.apply)
        # TensorFlow's graphs take a normalization for Keras's own and fail on the member axis.
        is_fused = train.dtype_policy == "float32" or backend.multiplies_bfloat16()
        fused = is_fused or signature.model.normalization != "none"
        self._evaluate = backend.fuse(self._mean_scores)
        self.train_epoch: Callable = backend.compile(self._train_groups, fused=fused)
        self.predict: Callable = backend.compile(self._predict)

    def _train_groups(
        self, state: State, x: Any, y: Any, order: Any, held_out: Any, num_groups: Any
    ) -> tuple[State, dict]:
        """An epoch of one group after the other: few weights at a time stay in a core's cache,
        and members that have stopped, in the last groups, cost nothing."""
        if self.group == order.shape[0]:
            return self._train_group(state, x, y, order, held_out)

        def body(i: Any, carry: tuple[State, dict]) -> tuple[State, dict]:
            whole, start = (state | carry[0], order, held_out), i * self.group
            own, *rows = part(whole, start, self.group)
            own, found = self._train_group(own, x, y, *rows)
            return replaced(carry, ({n: own[n] for n in changing}, found), start)

        changing = {name: state[name] for name in _CHANGING}
        carry = (changing, self._zero_logs(order, held_out))
        changing, logs = ops.fori_loop(0, num_groups, body, carry)
        return state | changing, logs

    def _train_group(
        self, state: State, x: Any, y: Any, order: Any, held_out: Any
    ) -> tuple[State, dict]:
        state, logs = self._train_epoch(state, x, y, order)
        if held_out.shape[1]:
            kept = state | {"weights": self.step.kept(state)}
            scores = self._evaluate(kept, x, y, held_out)
            logs |= {f"val_{name}": value for name, value in scores.items()}
        return state, logs

    def _train_epoch(self, state: State, x: Any, y: Any, order: Any) -> tuple[State, dict]:
        num_rows, batch_size = order.shape[1], self.train.batch_size
        batch_size = num_rows if isinstance(batch_size, str) else batch_size
        num_steps = -(-num_rows // batch_size) * self.train.max_epochs

        def step(rows: Any, valid: Any, carry: tuple) -> tuple:
            state, totals = carry
            state, batch_totals = self._train_step(state, x, y, (rows, valid), num_steps)
            return state, _add(totals, batch_totals)

        carry = (state, self._zero_totals(order, with_loss=True))
        pad = self._pads and worth_padding(num_rows, batch_size)
        has_nobody = self._has_nobody
        state, totals = for_batches(order, batch_size, step, carry, pad=pad, has_nobody=has_nobody)
        logs = _means(totals, self._num_rows(order))
        kernels = [
            w for w, is_one in zip(state["weights"], self.step.is_kernel, strict=True) if is_one
        ]
        penalties = [update_rules.penalty(w, state["hyper"]) for w in kernels]
        logs["loss"] = sum(penalties, logs["loss"])
        return state, logs

    def _train_step(
        self, state: State, x: Any, y: Any, batch: tuple, num_steps: int
    ) -> tuple[State, dict]:
        rows, valid = batch
        given = self._given(state, valid, rows.shape[1], num_steps)
        examples, targets = ops.take(x, rows, axis=0), self._targets(state, y, rows)
        weights_of_rows = self._row_weights(state, y, rows)
        targets_of_each = self._of_each(targets)

        def loss_of(weights: list) -> tuple[Any, tuple]:
            outputs, others = self._training_model.stateless_call(
                weights, given, examples, training=True
            )
            outputs = ops.cast(outputs, keras.config.floatx())
            plain = plain_loss(self.task, targets_of_each, outputs)
            losses = self._training_losses(state, targets_of_each, outputs, plain)
            losses = weighed(losses, weights_of_rows)
            if self._mixup:
                losses = self._mixed_losses(state, given, outputs, targets, losses, weights_of_rows)
            # Summed over members, averaged over the batch: each gradient is a solo run's.
            means = ops.sum(only(valid, losses), axis=1) / count(valid, losses)
            return ops.sum(means), (others, outputs, plain, losses)

        (_, aux), gradients = backend.value_and_gradients(loss_of, state["weights"])
        others, outputs, plain, losses = aux
        weights, slots = self._update(
            gradients,
            state["weights"],
            state["slots"],
            state["step"],
            self.step.hyper_at(state["hyper"], state["step"], num_steps),
            state["keys"].get("gradient_noise"),
        )
        if self.subnetworks > 1:
            outputs = mean_outputs(self.task, outputs, self.subnetworks)
            plain = plain_loss(self.task, targets, outputs)
        totals = self._totals(targets, outputs, plain, valid, weights_of_rows)
        totals["loss"] = ops.sum(only(valid, losses), axis=1)
        others = self._with_strengths(others, state)
        changed = {"weights": weights, "others": others, "slots": slots, "step": state["step"] + 1}
        return state | changed, totals

    def _training_losses(self, state: State, targets: Any, outputs: Any, losses: Any) -> Any:
        """From the plain losses to what is minimized but for the penalty, `(k, batch)`: the mean of
        the sub-networks'."""
        if "label_smoothing" in self.needs:
            smoothing = ops.reshape(state["hyper"]["label_smoothing"], (-1, 1))
            losses = smooth_labels(losses, class_logits(self.task, outputs), smoothing)
        if "class_weight" in self.needs:
            weights = state["targets"]["class_weight"]
            losses = losses * ops.take_along_axis(weights, targets, axis=1)
        if self.subnetworks == 1:
            return losses
        each = ops.reshape(losses, (losses.shape[0], self.subnetworks, -1))
        return ops.mean(each, axis=1)

    def _mixed_losses(
        self, state: State, given: list, outputs: Any, targets: Any, losses: Any, weights: Any
    ) -> Any:
        """The losses mixed with those of the rows' partners, as the rows are: `(k, batch)`.

        So the cross-entropy is that of the mixed target, and the squared error has its gradient.
        """
        layer = {name: given[i] for name, i in self._mixup.items()}
        partner = self._of_each(mixup.partners(targets, layer["last"]))
        theirs = plain_loss(self.task, partner, outputs)
        theirs = self._training_losses(state, partner, outputs, theirs)
        if weights is not None:
            theirs = weighed(theirs, mixup.partners(weights, layer["last"]))
        share = mixup.shares(layer["strength"], layer["key"], layer["step"])
        share = ops.cast(ops.reshape(share, (-1, 1)), losses.dtype)
        return share * losses + (1 - share) * theirs

    def _of_each(self, targets: Any) -> Any:
        """`(k, batch)` targets of rows, for each sub-network: `(k, m * batch)`."""
        return targets if self.subnetworks == 1 else ops.tile(targets, (1, self.subnetworks))

    def _given(self, state: State, valid: Any, batch_size: int, num_steps: int) -> list:
        """What is not trained as it is in one step: dropout rates, and where the rows end."""
        others = list(state["others"])
        factor = self.step.factor("dropout", state["hyper"], state["step"], num_steps)
        for i in self._scheduled if not isinstance(factor, float) else ():
            others[i] = others[i] * ops.cast(factor, others[i].dtype)
        if self._mixup:
            last = batch_size - 1 if valid is None else ops.sum(ops.cast(valid, "int32"), 1) - 1
            others[self._mixup["last"]] = ops.zeros_like(state["step"]) + last
        return others

    def _with_strengths(self, others: list, state: State) -> list:
        """What a step left of it, with the rates that schedules start from."""
        return [state["others"][i] if i in self._scheduled else v for i, v in enumerate(others)]

    def _mean_scores(self, state: State, x: Any, y: Any, rows: Any) -> dict:
        """The plain loss and accuracy of `rows` `(k, n)`."""

        def step(batch: Any, valid: Any, totals: dict) -> dict:
            outputs = self._outputs(self._group_model, state, ops.take(x, batch, axis=0))
            targets = self._targets(state, y, batch)
            losses = plain_loss(self.task, targets, outputs)
            weights = self._row_weights(state, y, batch)
            return _add(totals, self._totals(targets, outputs, losses, valid, weights))

        num_rows = rows.shape[1]
        # Of one size, but for some that stand in: a smaller batch would be another loop's body.
        size = -(-num_rows // -(-num_rows // EVALUATION_BATCH))
        totals = self._zero_totals(rows, with_loss=False)
        totals = for_batches(rows, size, step, totals, pad=True, has_nobody=self._has_nobody)
        return _means(totals, self._total_weight(state, y, rows))

    def _predict(self, state: State, examples: Any) -> Any:
        shape = (state["step"].shape[0], *examples.shape)
        outputs = self._outputs(self.model, state, ops.broadcast_to(examples, shape))
        if self.task != "regression":
            return ops.log_softmax(class_logits(self.task, outputs))
        mean, stddev = self._target_statistics(state)
        return outputs[..., 0] * stddev + mean

    @staticmethod
    def _outputs(model: keras.Model, state: State, examples: Any) -> Any:
        weights, others = state["weights"], state["others"]
        return model.stateless_call(weights, others, examples, training=False)[0]

    def _targets(self, state: State, y: Any, rows: Any) -> Any:
        """Class indices, or targets standardized by each member's own training rows."""
        taken = ops.take(y[0] if self.is_weighted else y, rows, axis=0)
        if self.task != "regression":
            return taken
        mean, stddev = self._target_statistics(state)
        return (ops.cast(taken, mean.dtype) - mean) / stddev

    @staticmethod
    def _target_statistics(state: State) -> tuple[Any, Any]:
        """Mean and standard deviation of a regression's targets, `(k, 1)`."""
        mean, variance = state["targets"]["mean"], state["targets"]["variance"]
        return ops.reshape(mean, (-1, 1)), ops.sqrt(ops.reshape(variance, (-1, 1)))

    def _row_weights(self, state: State, y: Any, rows: Any) -> Any:
        """`(k, batch)`, of mean 1 over each member's training rows; None where all count alike."""
        if not self.is_weighted:
            return None
        return ops.take(y[1], rows, axis=0) * ops.reshape(state["targets"][WEIGHT_SCALE], (-1, 1))

    def _total_weight(self, state: State, y: Any, rows: Any) -> Any:
        """What all rows of `(k, n)` count together: their number, or `(k,)`."""
        if not self._has_nobody:
            weights = self._row_weights(state, y, rows)
            return rows.shape[1] if weights is None else ops.sum(weights, axis=1)
        weights = self._row_weights(state, y, ops.maximum(rows, 0))
        if weights is None:
            return self._num_rows(rows)
        return ops.sum(only(rows >= 0, weights), axis=1)

    def _num_rows(self, rows: Any) -> Any:
        """Of each member of `(k, n)` rows: their number, or `(k,)`."""
        if not self._has_nobody:
            return rows.shape[1]
        return ops.sum(ops.cast(rows >= 0, keras.config.floatx()), axis=1)

    def _totals(self, targets: Any, outputs: Any, losses: Any, valid: Any, weights: Any) -> dict:
        losses = weighed(losses, weights)
        totals = {plain_loss_name(self.task): ops.sum(only(valid, losses), axis=1)}
        if self.task != "regression":
            right = weighed(hits(targets, class_logits(self.task, outputs)), weights)
            total = ops.sum(only(valid, right), axis=1)
            totals["accuracy"] = total if self.is_weighted else ops.cast(total, "int32")
        return totals

    def _zero_totals(self, rows: Any, *, with_loss: bool) -> dict:
        zeros = ops.zeros(rows.shape[0], keras.config.floatx())
        totals = {plain_loss_name(self.task): zeros}
        if self.task != "regression":
            totals["accuracy"] = zeros if self.is_weighted else ops.zeros(rows.shape[0], "int32")
        return totals | {"loss": zeros} if with_loss else totals

    def _zero_logs(self, order: Any, held_out: Any) -> dict:
        names = self._zero_totals(order, with_loss=True)
        zeros = ops.zeros(order.shape[0], keras.config.floatx())
        validated = [f"val_{n}" for n in names if n != "loss"] if held_out.shape[1] else []
        return dict.fromkeys([*names, *validated], zeros)


def stacked_model(
    signature: Signature, num_members: int, spec: DataSpec, dtype_policy: str | None = None
) -> keras.Model:
    """A functional Keras model from `(k, batch, features)` raw inputs to `(k, batch, outputs)`."""
    # There all but what is multiplied stays in float32.
    rounds = dtype_policy is not None and backend.multiplies_bfloat16()
    shape = (num_members, None, spec.num_features)
    with own_dtype(None if rounds else dtype_policy):
        inputs = keras.Input(batch_shape=shape, dtype=spec.input_dtype, name="inputs")
        needs, optional = signature.needs, signature.optional
        factory = StackedLayers(signature.model, needs, optional, rounds_products=rounds)
        outputs = assemble(inputs, signature.model, spec, factory)
        return keras.Model(inputs, outputs, name="stack")


def _places_of(model: keras.Model, field: str) -> list[dict[str, int]]:
    """Where what each layer of a field's draws holds stands among what is not trained, by name."""
    layers = [layer for layer in model.layers if getattr(layer, "field", None) == field]
    places = {v.path: i for i, v in enumerate(model.non_trainable_variables)}
    return [{v.name: places[v.path] for v in layer.non_trainable_variables} for layer in layers]


def _add(totals: dict, more: dict) -> dict:
    return {name: totals[name] + more[name] for name in totals}


def _means(totals: dict, num_rows: Any) -> dict:
    return {k: ops.cast(v, keras.config.floatx()) / num_rows for k, v in totals.items()}
