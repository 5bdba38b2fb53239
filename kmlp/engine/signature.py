"""What the members of one stack share; all else may differ by member, as a vector."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from kmlp.config import encoding
from kmlp.engine.member import Member
from kmlp.errors import ConfigError


@dataclass(frozen=True)
class Signature:
    """The layers and the compiled program of a stack follow from it, and from the data.

    A part that is a `bool` is needed if any member needs it: the strength that leaves all as it
    is switches it off for the others.
    """

    SWITCHES: ClassVar = (
        "dropout",
        "input_dropout",
        "drop_connect",
        "penalty",
        "max_norm",
        "momentum",
        "weight_decay",
        "clipnorm",
        "gradient_noise",
        "label_smoothing",
        "class_weight",
    )

    hidden_units: tuple[int, ...]
    activation: str
    input_scaling: str
    normalization: str
    dropout: bool
    input_dropout: bool
    drop_connect: bool
    drop_connect_mask: str
    drop_connect_inference: str
    penalty: bool
    max_norm: bool
    optimizer: str
    momentum: bool
    nesterov: bool
    weight_decay: bool
    clipnorm: bool
    gradient_noise: bool
    learning_rate_schedule: str
    label_smoothing: bool
    class_weight: bool
    batch_size: int | str
    max_epochs: int
    monitor: str
    dtype_policy: str
    validation_fraction: float
    sample: tuple[str, int]
    num_train: int | None
    missing_indicators: bool
    max_one_hot: int
    embedding_dim: int
    max_categories: int
    min_category_count: int

    @classmethod
    def of(cls, member: Member) -> "Signature":
        """The signature of one member."""
        model, train = member.model, member.train
        return cls(
            hidden_units=model.hidden_units,
            activation=model.activation,
            input_scaling=model.input_scaling,
            normalization=model.normalization,
            dropout=model.dropout > 0,
            input_dropout=model.input_dropout > 0,
            drop_connect=model.drop_connect > 0,
            drop_connect_mask=model.drop_connect_mask,
            drop_connect_inference=model.drop_connect_inference,
            penalty=model.l1 > 0 or model.l2 > 0,
            max_norm=model.max_norm is not None,
            optimizer=train.optimizer,
            momentum=train.momentum > 0,
            nesterov=train.nesterov,
            weight_decay=train.weight_decay > 0,
            clipnorm=train.clipnorm is not None,
            gradient_noise=train.gradient_noise > 0,
            learning_rate_schedule=train.learning_rate_schedule,
            label_smoothing=train.label_smoothing > 0,
            class_weight=train.class_weight is not None,
            batch_size=train.batch_size,
            max_epochs=train.max_epochs,
            monitor=train.monitor,
            dtype_policy=train.dtype_policy,
            validation_fraction=member.validation_fraction,
            # With these and the fraction, members have equally many rows.
            sample=member.sample.of_equal_size if member.sample else ("all", 0),
            num_train=member.num_train,
            **{name: getattr(model, name) for name in encoding.DEFAULTS},
        )

    @classmethod
    def of_all(cls, members: Sequence[Member]) -> "Signature":
        """The one signature of several members.

        Raises:
            ConfigError: a stack cannot hold them all; the message says what differs.
        """
        return functools.reduce(cls.merge, map(cls.of, members))

    def merge(self, other: "Signature") -> "Signature":
        """One signature for members of both.

        Raises:
            ConfigError: as for `of_all`.
        """
        pairs = {name: (mine, getattr(other, name)) for name, mine in vars(self).items()}
        differ = [
            f"{name} ({mine!r} and {theirs!r})"
            for name, (mine, theirs) in pairs.items()
            if mine != theirs and name not in self.SWITCHES
        ]
        if differ:
            raise ConfigError(
                "the members of a stack must share their signature. They differ in "
                + ", ".join(differ)
                + "."
            )
        return Signature(**{name: mine or theirs for name, (mine, theirs) in pairs.items()})
