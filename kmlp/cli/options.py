"""What the command line overrides of a study, and the studies that come of it."""

import dataclasses
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from kmlp.cli.app import default
from kmlp.cli.schema import OfTable, words_said
from kmlp.config import MLPConfig, StudyConfig, TrainConfig, fields
from kmlp.config.study_file import find_file, read_studies
from kmlp.config.tables.importance import read_groups

Target = Annotated[
    str,
    Parameter(
        help="a table (.csv and others), a folder of images a class, fashion_mnist or another name "
        "that kmlp data lists, an .npz file, a folder of IDX files, or a study file: a .toml, or "
        "one that ships, as assignment"
    ),
]
TABLE = tuple(OfTable.__dataclass_fields__)
Seeds = int | Literal["auto"]
_CONFIGS = (StudyConfig, MLPConfig, TrainConfig)


def overrides(field: str, help: str, **more: Any) -> Parameter:
    """An option that overrides a config's field, whose default the help tells."""
    return Parameter(help=help, show_default=_default_of(field), **more)


def _default_of(field: str) -> Callable[[Any], str] | bool:
    """What the help writes; nothing where a field is off."""
    known = {f.name: f for config in _CONFIGS for f in dataclasses.fields(config)}
    value = known[field].default
    if value in (None, False, (), dataclasses.MISSING):
        return False
    parts = map(str, value) if isinstance(value, tuple) else [str(value)]
    written = ("-" if field == "hidden_units" else ",").join(parts)
    return default(written)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options(OfTable):
    """What the command line overrides of a study and says of its table; None is what the study
    says."""

    variants: Annotated[
        str | None,
        overrides(
            "variants",
            "names, each with =strength if wanted, between commas; all for every one; of a table "
            "auto, for the recipe chosen for tables",
        ),
    ] = None
    baseline: Annotated[
        str | None,
        overrides("baseline", "the variant that the others are compared with"),
    ] = None
    num_seeds: Annotated[
        Seeds | None,
        overrides(
            "num_seeds",
            "seeds a variant; auto adds seeds until validation decides",
            name="--seeds",
        ),
    ] = None
    max_seeds: Annotated[int | None, overrides("max_seeds", "of --seeds auto: at most so many")] = (
        None
    )
    half_width: Annotated[
        float | None,
        overrides(
            "half_width",
            "of --seeds auto: an interval of so little to either side is enough; in the metric's "
            "own unit, where --equivalence is in points: 0.002 of an accuracy is 0.2 points",
        ),
    ] = None
    strengths: Annotated[
        str | None,
        overrides(
            "strengths",
            "default, or auto: of each variant named without one, chosen on validation",
        ),
    ] = None
    metric: Annotated[
        str | None,
        overrides(
            "metric",
            "what variants are compared and the best chosen by: auto (accuracy or RMSE), "
            "balanced_accuracy, auc, average_precision, macro_f1, cross_entropy, brier_score, mae, "
            "mape, r2 or mse",
        ),
    ] = None
    equivalence: Annotated[
        float | None,
        overrides(
            "equivalence",
            "the largest difference that does not matter, in points or the metric's unit",
        ),
    ] = None
    references: Annotated[
        str | None,
        overrides(
            "references",
            "models beside the networks: auto (all, for tables), none, or some of constant, "
            "linear, boosted_trees, random_forest",
        ),
    ] = None
    reference_trials: Annotated[
        int | Literal["auto"] | None,
        overrides(
            "reference_trials",
            "settings tried of each reference on validation rows, 1 being its defaults; auto: as "
            "many as the best network is chosen from",
        ),
    ] = None
    importance: Annotated[
        bool | None,
        overrides("importance", "find out which columns matter; auto: of tables"),
    ] = None
    importance_groups: Annotated[
        list[str] | None,
        overrides(
            "importance_groups",
            "columns shuffled as one, as size=length,width; may be said again",
            negative="",
        ),
    ] = None
    sweep: Annotated[
        list[str] | None,
        overrides(
            "sweep",
            "a variant a value: dropout=0:0.8:9, l2=1e-6:1e-2:9:log, num_train=100,300,1000, "
            "hidden_units=64,64-32; may be said again for another field",
            negative="",
        ),
    ] = None
    resample: Annotated[
        str | None,
        overrides("resample", "also train on samples of the rows: splits:5 or bootstrap:20"),
    ] = None
    resample_seeds: Annotated[int | None, overrides("resample_seeds", "seeds a sample")] = None
    folds: Annotated[int | None, overrides("folds", "cross-validate with so many folds")] = None
    repeats: Annotated[
        int | None,
        overrides(
            "repeats",
            "how often the folds are cut anew, each time with another seed: fewer than 4 leave "
            "what seeds change out of the intervals",
        ),
    ] = None
    calibration_fraction: Annotated[
        float | None,
        overrides(
            "calibration_fraction",
            "share of the training rows that no network sees, by which kmlp export finds out how "
            "sure a model may be",
        ),
    ] = None
    randomness: Annotated[
        bool | None,
        overrides("randomness", "also vary one stream of randomness at a time", negative=""),
    ] = None
    randomness_seeds: Annotated[
        int | None, overrides("randomness_seeds", "seeds a stream and setting")
    ] = None
    hidden_units: Annotated[
        str | None,
        overrides("hidden_units", "units of the hidden layers, one after the other, as 128-64"),
    ] = None
    max_epochs: Annotated[
        int | None, overrides("max_epochs", "passes over the training rows, at most")
    ] = None
    learning_rate: Annotated[float | None, overrides("learning_rate", "of the optimizer")] = None
    batch_size: Annotated[
        int | Literal["full"] | None, overrides("batch_size", "rows a step, or full")
    ] = None
    class_weight: Annotated[
        Literal["balanced"] | None,
        overrides(
            "class_weight",
            "classes that count alike in training, however few rows they have",
        ),
    ] = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that were said, by the config's field."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def words(self, *without: str) -> list[str]:
        """As they are said on the command line, but for some fields."""
        said = {name: value for name, value in self.given.items() if name not in without}
        return words_said({"seeds" if n == "num_seeds" else n: value for n, value in said.items()})


def configure(target: str, options: Options | None = None) -> dict[str, StudyConfig]:
    """The studies of a file, by name, or the one of a data set, with what the command line
    overrides; the only study's name is empty."""
    file = find_file(target)
    if file and str(file) != target:
        print(f"{target}: as {file} says; to change more, copy it.", file=sys.stderr)
    studies = read_studies(file) if file else {"": StudyConfig(dataset=target)}
    options = options or Options()
    given = {name: value for name, value in options.given.items() if name not in TABLE}
    if options.said:
        given["data"] = options.said
    return {name: _overridden(config, given) for name, config in studies.items()}


def _overridden(config: StudyConfig, given: dict[str, Any]) -> StudyConfig:
    values = config.to_dict()
    for name, value in given.items():
        if name == "variants":
            values["variants"] = [v.strip() for v in value.split(",") if v.strip()]
            # The only variant of a file is its baseline, whatever it is called.
            if len(config.variant_names) == 1 and "baseline" not in given:
                values["baseline"] = StudyConfig.__dataclass_fields__["baseline"].default
        elif name == "data":
            values["data"] = {**(values["data"] or {}), **value}
        elif name == "importance_groups":
            values[name] = read_groups(value)
        elif name == "hidden_units":
            values["model"]["hidden_units"] = fields.read_widths(value)
        elif name in TrainConfig.__dataclass_fields__:
            values["train"][name] = value
        else:
            assert name not in MLPConfig.__dataclass_fields__
            values[name] = value
    return StudyConfig.from_dict(values)
