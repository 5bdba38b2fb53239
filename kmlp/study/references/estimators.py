"""scikit-learn's estimators with its defaults, on the matrix that the networks are given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.data import DataSpec

_MOST_CATEGORIES = 254  # of the boosted trees, the missing ones apart


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """How a reference is made.

    Attributes:
        classifier, regressor: make one, of a seed.
        takes_class_weight: whether it weighs the classes as it is told; else it has no training
            that weights could steer.
        takes_codes: whether it takes categories as codes and gaps as they are; else they are
            encoded as a plain pipeline would.
    """

    classifier: Callable[[int], Any]
    regressor: Callable[[int], Any]
    takes_codes: bool = False
    takes_class_weight: bool = True


def make_estimator(
    name: str, spec: DataSpec, seed: int, class_weight: str | Mapping[str, float] | None = None
) -> Any:
    """An estimator of the encoded matrix, `(n, columns)` float64 with NaN for gaps.

    Args:
        name: in `ESTIMATORS`.
        spec: the data.
        seed: of its draws.
        class_weight: as `TrainConfig` has it.
    """
    known = ESTIMATORS[name]
    made = (known.regressor if spec.task == "regression" else known.classifier)(seed)
    if class_weight is not None and known.takes_class_weight:
        made.set_params(class_weight=_by_index(class_weight, spec))
    codes = [place for place, column in enumerate(spec.columns) if column.num_codes]
    numbers = [p for p in range(int(np.prod(spec.input_shape))) if p not in set(codes)]
    if known.takes_codes:
        return _with_codes(made, codes, numbers)
    return _encoded(made, codes, numbers)


def _by_index(class_weight: str | Mapping[str, float], spec: DataSpec) -> str | dict[int, float]:
    """As scikit-learn takes it: by the number of the class, every class named."""
    if isinstance(class_weight, str):
        return class_weight
    weights = dict.fromkeys(range(spec.num_classes), 1.0)
    for key, weight in class_weight.items():
        index = spec.class_index(key)
        assert index is not None  # checked before anything trains
        weights[index] = weight
    return weights


def _with_codes(estimator: Any, codes: list[int], numbers: list[int]) -> Any:
    """Categories first, as codes; the rarest of very many together."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    if not codes:
        return estimator
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=_MOST_CATEGORIES,
    )
    estimator.set_params(categorical_features=list(range(len(codes))))
    columns = ColumnTransformer([("codes", encoder, codes), ("numbers", "passthrough", numbers)])
    return make_pipeline(columns, estimator)


def _encoded(estimator: Any, codes: list[int], numbers: list[int]) -> Any:
    """Gaps become medians with an indicator, numbers are standardized, categories one-hot."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="ignore", max_categories=_MOST_CATEGORIES)
    columns = ColumnTransformer(
        [("numbers", make_pipeline(imputer, StandardScaler()), numbers), ("codes", one_hot, codes)]
    )
    return make_pipeline(columns, estimator)


def _of(module: str, name: str, **settings: Any) -> Callable[[int], Any]:
    """Makes an estimator; one that draws draws by the seed. Imported when it is made."""

    def make(seed: int) -> Any:
        import importlib

        kind = getattr(importlib.import_module(f"sklearn.{module}"), name)
        draws = {"random_state": seed} if module == "ensemble" else {}
        return kind(**settings, **draws)

    return make


ESTIMATORS: Mapping[str, Estimator] = {
    "constant": Estimator(
        classifier=_of("dummy", "DummyClassifier"),
        regressor=_of("dummy", "DummyRegressor"),
        takes_class_weight=False,
    ),
    "linear": Estimator(
        classifier=_of("linear_model", "LogisticRegression", max_iter=1000),
        regressor=_of("linear_model", "Ridge"),
    ),
    "boosted_trees": Estimator(
        classifier=_of("ensemble", "HistGradientBoostingClassifier"),
        regressor=_of("ensemble", "HistGradientBoostingRegressor"),
        takes_codes=True,
    ),
    "random_forest": Estimator(
        classifier=_of("ensemble", "RandomForestClassifier", n_jobs=-1),
        regressor=_of("ensemble", "RandomForestRegressor", n_jobs=-1),
    ),
}
"""By the names of `kmlp.config.tables.references`."""
