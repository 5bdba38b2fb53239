"""What the fields of a training may be, each alone and together."""

from typing import Any

from kmlp.config import fields
from kmlp.errors import ConfigError
from kmlp.stats.monitoring import MONITORS

ADAM = ("adam", "adamw")
ADAPTIVE = (*ADAM, "rmsprop")
SCHEDULES = (
    *("constant", "cosine", "step", "flat_cosine", "coslog4", "exponential"),
    *("inverse", "cosine_restarts"),
)
# Of weights; what is left, kernels and what normalizes, has the learning rate itself.
KINDS = ("bias", "scale", "activation", "embedding", "number")


def check_training(config: Any) -> None:
    """Refuses values of a `TrainConfig` by which nothing trains.

    Raises:
        ConfigError: what is wrong, and what to write instead.
    """
    fields.check_choice(config, "optimizer", ("sgd", *ADAPTIVE))
    fields.check_choice(config, "dtype_policy", ("float32", "mixed_bfloat16"))
    fields.check_positive(config, "learning_rate", "epsilon", "decay_rate")
    fields.check_rate(config, "momentum", "beta_1", "beta_2", "ema_momentum", "label_smoothing")
    fields.check_rate(config, "warm_up", "weight_decay_warm_up", "dropout_warm_up")
    fields.check_rate(config, "momentum_warm_up", "initial_momentum")
    fields.check_non_negative(
        config, "min_delta", "weight_decay", "gradient_noise", "gradient_noise_decay"
    )
    fields.check_non_negative(config, *(f"{kind}_rate_factor" for kind in KINDS))
    fields.check_non_negative(config, *(f"{kind}_decay_factor" for kind in KINDS), "mixup")
    fields.check_positive_or_none(config, "clipnorm")
    fields.check_truth(config, "nesterov", "early_stopping")
    fields.check_truth(config, "restore_best_weights", "keep_last_best")
    fields.check_whole(config, "max_epochs", 1)
    fields.check_whole(config, "patience", 0, " of epochs")
    if config.batch_size != "full":
        fields.check_whole(config, "batch_size", 1, ' (or "full")')
    _check_optimizer(config)
    for name in ("learning_rate", "weight_decay", "dropout"):
        _check_schedule(config, name)
    _check_plateau(config)
    _check_monitor(config)


def _check_optimizer(config: Any) -> None:
    """Refuses what another rule knows: it would have no effect, and nobody would notice."""
    if config.optimizer != "sgd" and (config.momentum or config.nesterov):
        raise ConfigError(
            "momentum and nesterov belong to optimizer='sgd'. "
            f"Received: optimizer={config.optimizer!r}, momentum={config.momentum}."
        )
    if config.momentum_warm_up and not config.momentum:
        raise ConfigError(
            "momentum_warm_up rises to a momentum. Received: momentum=0.0, "
            f"momentum_warm_up={config.momentum_warm_up}. Set momentum, or leave it out."
        )
    if config.initial_momentum and not config.momentum_warm_up:
        raise ConfigError(
            "initial_momentum is what momentum rises from in its warm-up. Received: "
            f"initial_momentum={config.initial_momentum}, momentum_warm_up=0.0. Say both, or "
            "neither."
        )
    owners = {"beta_1": ADAM, "beta_2": ADAM, "epsilon": ADAPTIVE}
    for name, optimizers in owners.items():
        value = getattr(config, name)
        if config.optimizer not in optimizers and value != getattr(type(config), name):
            *others, last = map(repr, optimizers)
            raise ConfigError(
                f"{name} belongs to optimizer={', '.join(others)} and {last}. Received: "
                f"optimizer={config.optimizer!r}, {name}={value}. Leave it out."
            )


def _check_schedule(config: Any, of: str) -> None:
    name, warm_up = f"{of}_schedule", "warm_up" if of == "learning_rate" else f"{of}_warm_up"
    if getattr(config, name) == "plateau":
        raise ConfigError(
            f"{name}='plateau' is written reduce_on_plateau = {{factor = 0.5, patience = 3}}."
        )
    fields.check_choice(config, name, SCHEDULES)
    if getattr(config, name) == "coslog4" and getattr(config, warm_up):
        raise ConfigError(
            f"{name}='coslog4' rises from 0 by itself. Received: "
            f"{warm_up}={getattr(config, warm_up)}. Leave it out."
        )


def _check_plateau(config: Any) -> None:
    if config.reduce_on_plateau is None:
        return
    object.__setattr__(config, "reduce_on_plateau", fields.plateau(config.reduce_on_plateau))
    if config.learning_rate_schedule != "constant":
        raise ConfigError(
            "reduce_on_plateau and a learning_rate_schedule exclude each other. Received: "
            f"learning_rate_schedule={config.learning_rate_schedule!r}. Leave one of them out."
        )


def _check_monitor(config: Any) -> None:
    if config.monitor not in MONITORS:
        hint = (
            " The plain validation loss is val_cross_entropy, or val_mse for regression."
            if config.monitor == "val_loss"
            else ""
        )
        raise ConfigError(fields.wanted(config, "monitor", "one of " + ", ".join(MONITORS)) + hint)
