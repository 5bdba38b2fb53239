"""What the command line overrides of a study, and the studies that come of it."""

from dataclasses import dataclass
from shlex import quote
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from kmlp.cli.schema import OfTable
from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.study_file import read_studies
from kmlp.errors import ConfigError
from kmlp.text import shown

Target = Annotated[
    str,
    Parameter(
        help="a table (.csv and others), a folder of images a class, fashion_mnist or another name "
        "that kmlp data lists, an .npz file, a folder of IDX files, or a study file (.toml)"
    ),
]
TABLE = tuple(OfTable.__dataclass_fields__)
Seeds = int | Literal["auto"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options(OfTable):
    """What the command line overrides of a study and says of its table; None is what the study
    says."""

    variants: Annotated[
        str | None,
        Parameter(help="names, each with =strength if wanted, between commas; all for every one"),
    ] = None
    num_seeds: Annotated[
        Seeds | None,
        Parameter(
            name="--seeds",
            help="seeds a variant; auto adds seeds until validation decides",
        ),
    ] = None
    max_seeds: Annotated[int | None, Parameter(help="of --seeds auto: at most so many")] = None
    half_width: Annotated[
        float | None,
        Parameter(help="of --seeds auto: an interval of so little to either side is enough"),
    ] = None
    strengths: Annotated[
        str | None,
        Parameter(help="default, or auto: of each variant named without one, chosen on validation"),
    ] = None
    metric: Annotated[
        str | None,
        Parameter(
            help="what variants are compared and the best chosen by: auto (accuracy or RMSE), "
            "balanced_accuracy, auc, average_precision, macro_f1, cross_entropy, brier_score, mae, "
            "mape, r2 or mse"
        ),
    ] = None
    equivalence: Annotated[
        float | None,
        Parameter(
            help="the largest difference that does not matter, in points or the metric's unit"
        ),
    ] = None
    references: Annotated[
        str | None,
        Parameter(
            help="models beside the networks: auto (all, for tables), none, or some of constant, "
            "linear, boosted_trees, random_forest"
        ),
    ] = None
    sweep: Annotated[
        list[str] | None,
        Parameter(
            help="a variant a value: dropout=0:0.8:9, l2=1e-6:1e-2:9:log, num_train=100,300,1000, "
            "hidden_units=64,64-32; may be said again for another field",
            negative="",
        ),
    ] = None
    resample: Annotated[
        str | None,
        Parameter(help="also train on samples of the rows: splits:5 or bootstrap:20"),
    ] = None
    resample_seeds: Annotated[int | None, Parameter(help="seeds a sample")] = None
    folds: Annotated[int | None, Parameter(help="also cross-validate with so many folds")] = None
    repeats: Annotated[int | None, Parameter(help="how often the folds are cut anew")] = None
    randomness: Annotated[
        bool | None,
        Parameter(help="also vary one stream of randomness at a time", negative=""),
    ] = None
    randomness_seeds: Annotated[int | None, Parameter(help="seeds a stream and setting")] = None
    hidden_units: Annotated[str | None, Parameter(help="units of the hidden layers, as 128,64")] = (
        None
    )
    max_epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | Literal["full"] | None = None
    class_weight: Annotated[
        Literal["balanced"] | None,
        Parameter(help="classes that count alike in training, however few rows they have"),
    ] = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that were said, by the config's field."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def words(self, *without: str) -> list[str]:
        """As they are said on the command line, but for some fields."""
        words = []
        for name, value in self.given.items():
            if name in without:
                continue
            option = "--seeds" if name == "num_seeds" else "--" + name.replace("_", "-")
            listed = value if isinstance(value, list) else [value]
            words += [option] if value is True else [f"{option} {quote(str(v))}" for v in listed]
        return words


def configure(target: str, options: Options | None = None) -> dict[str, StudyConfig]:
    """The studies of a file, by name, or the one of a data set, with what the command line
    overrides; the only study's name is empty."""
    if target.endswith(".toml"):
        studies = read_studies(target)
    else:
        studies = {"": StudyConfig(dataset=target)}
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
        elif name == "data":
            values["data"] = {**(values["data"] or {}), **value}
        elif name == "hidden_units":
            values["model"]["hidden_units"] = whole_numbers(value)
        elif name in TrainConfig.__dataclass_fields__:
            values["train"][name] = value
        else:
            assert name not in MLPConfig.__dataclass_fields__
            values[name] = value
    return StudyConfig.from_dict(values)


def whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(
            "--hidden-units takes whole numbers between commas, as 128,64. "
            f"Received: {shown(text)}."
        ) from None
