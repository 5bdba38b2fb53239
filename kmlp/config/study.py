"""What to compare, and over what."""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kmlp.config import fields
from kmlp.config.base import Config
from kmlp.config.network import MLPConfig
from kmlp.config.recipes.ablation import ablated, for_task, shared
from kmlp.config.recipes.auto import refuse_auto
from kmlp.config.seeds import STREAMS
from kmlp.config.settings import RECORDS
from kmlp.config.sweep import Sweep, parse_sweep
from kmlp.config.tables.importance import checked_groups, checked_importance
from kmlp.config.tables.references import checked_references, resolved_references, trials_of
from kmlp.config.tables.table import DataConfig, read_data
from kmlp.config.training import TrainConfig
from kmlp.config.variants import STRENGTHS, Variant, expand_all, resolve_variant, with_swept
from kmlp.data.sampling import parse_resample
from kmlp.errors import ConfigError
from kmlp.stats.metrics import BY_NAME
from kmlp.text import shortened, shown

AUTO = "auto"
_BASELINE = "none"
MOST_SEEDS = 10_000
NUM_FOLDS, NUM_REPEATS = 5, 4
"""Of a study that folds test."""
MOST_NETWORKS, MOST_TRIALS = 1_000_000, 10_000
_WHY = (
    " Every seed is a network of its own with a record and arrays of its own; with ten thousand "
    "the interval of a mean is a fiftieth of the seeds' spread to either side."
)


@dataclass(frozen=True, kw_only=True)
class StudyConfig(Config):
    """What to compare, on what, over how many seeds.

    Where `dataset` is a table's file, `data` says which column is the target and which rows test.
    `variants` holds names ("dropout"), names with a strength ("dropout=0.5") or tables that
    override fields of `model` and `train` ({"name": "wide", "hidden_units": [512, 256]}); "all"
    stands for every name there is.
    Seed s gives every variant the same initial weights, data order and validation split.
    `validation_fraction` of the training rows is held out, drawn by each seed and stratified
    by class; 0 is legal and then the training loss is monitored. `calibration_fraction` of them is
    kept from all networks and all choices, the same rows for every seed: on them an export finds
    out how sure it may be (`kmlp.export`). `seed_streams` gives some of the streams init,
    order, noise and split a fixed seed ({"order": 0, "split": 0}); the others follow each member's
    own seed. `strengths="auto"` chooses the strength of every variant that is
    named without one on validation, with pilot seeds of their own; "default" takes the named ones.
    The others are compared with the `baseline`; the only variant of a study is its own.

    `metric` is what variants are compared by, and the best is chosen by; "auto" is the accuracy or
    the RMSE. Training stops by `train.monitor` whatever it is. `equivalence` is the largest
    difference that does not matter, in points where the metric is written in percent, else in its
    own unit: a variant can then be shown to be as good as the baseline. `references` are models
    that are no networks, trained on the same rows: "auto" trains all of them for tables, and none
    else. Of each `reference_trials` settings are tried on the validation rows of every seed,
    scikit-learn's defaults among them, which 1 leaves as they are; "auto" tries as many as the
    best network is chosen from, `num_settings`. `importance` says which columns the best network
    and the best reference lean on, by shuffling each ("auto": of tables); `importance_groups` are
    shuffled as one, by their name.

    `num_seeds="auto"` compares on the validation rows at 10, 20, 40, ... seeds, at most
    `max_seeds`, and adds seeds to what is still undecided; where `half_width` is given (in the
    metric's own unit, unlike `equivalence`: 0.002 of an accuracy is 0.2 points), an interval as
    narrow as that to either side needs no more: see `kmlp.study.interim`. `sweep` adds a variant
    for each value of a field ("dropout=0:0.8:9").

    `searched` says that the variants are the best of so many trials of a search, where the baseline
    is what it began from, and `picked` which of them it picked: that one, and not the best on
    validation, stands for the networks. Nothing is trained otherwise, but the verdict says so.

    Members beside the ordinary ones, for every variant: `resample` ("splits:5" or "bootstrap:20")
    trains `resample_seeds` seeds on each sample of the training rows; `folds` cross-validates on
    the training set, `repeats` times (once where omitted); `randomness` varies one of the streams
    at a time over `randomness_seeds` seeds, at each of three settings of the others.

    Where no rows are set aside to test (`data.test = "cv"`, or few rows and nothing said), folds
    give every number of the verdict, 5 of them and 4 repeats where these are omitted; the members
    of `num_seeds` train on all rows and are what is taken away.

    Raises:
        ConfigError: a value is out of range, a variant is unknown, or the baseline is not
            among the variants.

    Example:
        >>> StudyConfig(dataset="mnist", variants=("none", "l2=1e-4")).variant_names
        ('none', 'l2=0.0001')
    """

    dataset: str
    data: DataConfig | None = None
    variants: tuple[str | Mapping[str, Any], ...] = ("none", "dropout", "l2", "dropout_l2")
    num_seeds: int | str = 10
    max_seeds: int = 40
    half_width: float | None = None
    first_seed: int = 0
    seed_streams: Mapping[str, int] | None = None
    model: MLPConfig = field(default_factory=MLPConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    validation_fraction: float = 1 / 6
    calibration_fraction: float = 0.0
    baseline: str = _BASELINE
    metric: str = "auto"
    equivalence: float | None = None
    references: str | tuple[str, ...] = "auto"
    reference_trials: int | str = 1
    importance: bool | str = AUTO
    importance_groups: Mapping[str, list[str]] = field(default_factory=dict)
    strengths: str = "default"
    searched: int | None = None
    picked: str | None = None
    sweep: tuple[str, ...] = ()
    resample: str | None = None
    resample_seeds: int = 3
    folds: int | None = None
    repeats: int | None = None
    randomness: bool = False
    randomness_seeds: int = 5

    def __post_init__(self) -> None:
        for name, kind in (("model", MLPConfig), ("train", TrainConfig)):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, kind.from_dict(value))
            elif not isinstance(value, kind):
                raise ConfigError(fields.wanted(self, name, f"a table of {kind.__name__}'s fields"))
        object.__setattr__(self, "data", read_data(self.data))
        if self.seed_streams is not None:
            streams = fields.seed_streams(self.seed_streams, STREAMS)
            object.__setattr__(self, "seed_streams", streams)
        if not isinstance(self.dataset, str) or not self.dataset:
            raise ConfigError(fields.wanted(self, "dataset", "a name or a path, as text"))
        if "\0" in self.dataset or len(self.dataset) > 4096:
            raise ConfigError(fields.wanted(self, "dataset", "a name or a path"))
        fields.check_choice(self, "strengths", ("default", "auto"))
        fields.check_choice(self, "metric", (AUTO, *BY_NAME))
        object.__setattr__(self, "references", checked_references(self.references))
        object.__setattr__(self, "importance", checked_importance(self.importance))
        groups = checked_groups(self.importance_groups)
        object.__setattr__(self, "importance_groups", groups)
        if self.reference_trials != AUTO:
            fields.check_whole(self, "reference_trials", 1, highest=MOST_TRIALS)
        if self.strengths == "auto" and not self.validation_fraction:
            raise ConfigError(
                "strengths='auto' chooses on validation rows, of which there are none. Received: "
                "validation_fraction=0. Hold some rows out, or name the strengths."
            )
        if self.reference_trials != 1 and not self.validation_fraction:
            raise ConfigError(
                "reference_trials chooses settings on validation rows, of which there are none. "
                "Received: validation_fraction=0. Hold some rows out, or leave reference_trials 1."
            )
        if self.num_seeds != AUTO:
            fields.check_whole(self, "num_seeds", 1, highest=MOST_SEEDS, why=_WHY)
        elif not self.validation_fraction:
            raise ConfigError(
                "num_seeds='auto' looks at validation rows, of which there are none. Received: "
                "validation_fraction=0. Hold some rows out, or name the number of seeds."
            )
        fields.check_whole(self, "max_seeds", 6, highest=MOST_SEEDS, why=_WHY)
        fields.check_whole(self, "first_seed", 0)
        fields.check_rate(self, "validation_fraction", "calibration_fraction")
        fields.check_positive_or_none(self, "half_width", "equivalence")
        fields.as_floats(self)
        self._check_samples()
        self._check_variants()

    def _check_samples(self) -> None:
        if not isinstance(self.sweep, str | list | tuple):
            raise ConfigError(fields.wanted(self, "sweep", "a list of sweeps, as dropout=0:0.8:9"))
        listed = (self.sweep,) if isinstance(self.sweep, str) else tuple(self.sweep)
        object.__setattr__(self, "sweep", listed)
        counted = ["repeats"] * (self.repeats is not None)
        for name in ("resample_seeds", "randomness_seeds", *counted):
            fields.check_whole(self, name, 1, highest=MOST_SEEDS, why=_WHY)
        fields.check_truth(self, "randomness")
        if self.searched is not None:
            fields.check_whole(self, "searched", 1)
        if self.folds is not None:
            fields.check_whole(self, "folds", 2, highest=MOST_SEEDS, why=_WHY)
        if self.resample is not None:
            parse_resample(self.resample, 0)

    def _check_variants(self) -> None:
        if not isinstance(self.variants, str | list | tuple):
            raise ConfigError(fields.wanted(self, "variants", "a list of names and tables"))
        listed = (self.variants,) if isinstance(self.variants, str) else self.variants
        object.__setattr__(self, "variants", tuple(map(_plain_table, listed)))
        names = self.variant_names
        if len(set(names)) < len(names):
            raise ConfigError(
                f"every variant needs its own name. Received: {shortened(', '.join(names))}."
            )
        if len(names) == 1 and self.baseline == _BASELINE:
            object.__setattr__(self, "baseline", names[0])
        if self.baseline not in names:
            raise ConfigError(
                f"the baseline must be one of the variants. Received: baseline="
                f"{shown(self.baseline)}, variants {shortened(', '.join(names))}. Add it, or name "
                "another: baseline, on the command line --baseline."
            )
        if self.picked not in (None, *names):
            among = f"picked={shown(self.picked)}, variants {shortened(', '.join(names))}"
            raise ConfigError(f"picked must be one of the variants. Received: {among}.")
        self._check_size(len(names))

    def _check_size(self, num_variants: int) -> None:
        """Refuses at once what would be planned for minutes and never be trained."""
        samples = parse_resample(self.resample, 0) if self.resample else ()
        resampled = len(samples) * self.resample_seeds
        folds = (self.folds or 0) * self.num_repeats
        streams = 3 * len(STREAMS) * self.randomness_seeds if self.randomness else 0
        total = num_variants * (self.most_seeds + resampled + folds + streams)
        if total > MOST_NETWORKS:
            raise ConfigError(
                f"a study holds at most {MOST_NETWORKS:,} networks. Received: {total:,}, of "
                f"{num_variants:,} variants. Take fewer seeds, samples, folds or variants."
            )

    def for_data(
        self,
        task: str,
        input_dtype: str,
        *,
        is_table: bool = False,
        num_rows: int = 0,
        has_test_rows: bool = True,
        given_folds: int = 0,
        kinds: Collection[str] | None = None,
    ) -> "StudyConfig":
        """The same study with "all" written out: every named variant that means something there,
        and every reference; recipes as they are there, for columns of these kinds where they are
        said; and the folds, where these test.

        Label smoothing needs classes; inputs that are no `uint8` are standardized anyway.
        """
        standardized = input_dtype != "uint8" and self.model.input_scaling in ("auto", "standard")
        of_classes = [name for name, record in RECORDS.items() if record.classes_only]
        pointless = of_classes * (task == "regression") + ["input_norm"] * standardized
        named = expand_all(self.variants, pointless)
        references = resolved_references(self.references, is_table=is_table, num_rows=num_rows)
        return dataclasses.replace(
            self,
            variants=for_task(named, task, kinds, is_table=is_table),
            references=references or self.references,
            reference_trials=self._asked_trials,
            **({} if has_test_rows else self._testing_folds(given_folds)),
        )

    def _testing_folds(self, given: int) -> dict[str, Any]:
        """Those that were asked for, or 20 in all; those that a column gives cannot be cut anew."""
        repeats = self.repeats or (1 if given else NUM_REPEATS)
        return {"folds": self.folds or given or NUM_FOLDS, "repeats": repeats}

    @property
    def num_repeats(self) -> int:
        """How often the folds are cut."""
        return self.repeats or 1

    @property
    def fold_seeds(self) -> range:
        """A seed a repeat: it cuts the folds, and seeds their networks."""
        return range(self.first_seed, self.first_seed + self.num_repeats)

    @property
    def named_references(self) -> tuple[str, ...]:
        """Those that are trained, once `for_data` has written them out."""
        return () if isinstance(self.references, str) else self.references

    @property
    def num_settings(self) -> int:
        """Of how many settings the best network is: trials of the search before, or variants, each
        with the strengths that "auto" tries of it."""
        is_piloted = self.strengths == AUTO
        piloted = [v for v in self.variants if is_piloted and isinstance(v, str) and v in STRENGTHS]
        others = len(self.variant_names) - len(piloted)
        return max(self.searched or 1, others + sum(len(STRENGTHS[v]) for v in piloted))

    @property
    def _asked_trials(self) -> int:
        asked = self.reference_trials
        return asked if isinstance(asked, int) else self.num_settings

    def trials_of(self, reference: str) -> int:
        """How many settings of a reference are tried."""
        return trials_of(reference, self._asked_trials)

    @property
    def resolved_variants(self) -> tuple[Variant, ...]:
        """Every variant with its full configs, in the order given; with "auto" among them after
        `for_data` alone."""
        refuse_auto(self.variants)
        return self._resolved

    @property
    def _resolved(self) -> tuple[Variant, ...]:
        """The same, with a recipe that stands in for "auto"."""
        unsaid = shared(self.variants) if self.ablated else ()
        found = [
            resolve_variant(v, self.model, self.train, unsaid=unsaid)
            for v in expand_all(self.variants)
        ]
        return with_swept(found, [v for s in self.sweeps for v in self._swept(s)], self.baseline)

    @property
    def ablated(self) -> str | None:
        """The recipe of which each variant lacks a part, but for the baseline, the whole of it."""
        return None if self.sweep else ablated(self.variants, self.baseline)

    def variants_along(self, sweep: Sweep) -> tuple[str, ...]:
        """The name of the variant at each value of a sweep: of the one that is the same network."""
        named = {v.name: v for v in self._resolved}
        return tuple(
            v.name if v.name in named else next(n for n in named if v.trains_as(named[n]))
            for v in self._swept(sweep)
        )

    def _swept(self, sweep: Sweep) -> list[Variant]:
        return [resolve_variant(v, self.model, self.train) for v in sweep.variants]

    @property
    def variant_names(self) -> tuple[str, ...]:
        return tuple(v.name for v in self._resolved)

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """What `sweep` stands for."""
        return tuple(map(parse_sweep, self.sweep))

    @property
    def most_seeds(self) -> int:
        """How many seeds a variant may have; where `num_seeds` is a number, has."""
        return self.num_seeds if isinstance(self.num_seeds, int) else self.max_seeds

    @property
    def seeds(self) -> range:
        """As many as `most_seeds`."""
        return range(self.first_seed, self.first_seed + self.most_seeds)


def _plain_table(variant: Any) -> Any:
    """A variant as JSON and TOML give it back: their arrays are lists."""
    if not isinstance(variant, Mapping):
        return variant
    return {k: list(v) if isinstance(v, tuple) else v for k, v in variant.items()}
