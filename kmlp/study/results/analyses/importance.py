"""Which columns matter: from shuffled scores to losses with their intervals and tests, in words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from kmlp.config import StudyConfig
from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import FoldComparison, compare_folds
from kmlp.stats.formatting import Unit, listed, p_equals
from kmlp.stats.paired_tests import Comparison
from kmlp.study.results.analyses.shuffled_models import About, about_models
from kmlp.study.results.baseline import in_words, the_network
from kmlp.study.results.records.importance import ColumnImportance, Importance, ModelImportance
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import StudyNumbers, StudyScores
from kmlp.study.results.records.variants import Versus
from kmlp.study.run_folder.folder import IMPORTANCE, RunFolder

_BY_NAME = 3


def column_importance(
    scores: StudyScores,
    references: Sequence[ReferenceResult],
    config: StudyConfig,
    folder: RunFolder,
) -> Importance | None:
    """What the folder knows of the models that are best now; None where that is of others.

    Raises:
        RunFolderError: the arrays are damaged.
    """
    wanted = about_models(scores, references, config, {})
    is_there = config.importance is not False and (folder.path / IMPORTANCE).is_file()
    if wanted is None or not is_there:
        return None
    arrays = folder.read_arrays(IMPORTANCE)
    about = About.from_json(str(arrays["about"]))
    if not about.is_of(wanted):
        return None
    names = {"network": about.network, "reference": about.reference}
    return Importance(
        num_rows=int(arrays["num_rows"]),
        num_shuffles=arrays["network/shuffled"].shape[2],
        models=tuple(
            _model(kind, name, about, arrays, scores, _num_train(kind, name, scores))
            for kind, name in names.items()
            if name
        ),
        groups={name: tuple(columns) for name, columns in about.groups.items()},
        alike=tuple(map(tuple, json.loads(str(arrays["alike"])))),
    )


def _num_train(kind: str, name: str, scores: StudyScores) -> int | None:
    """Rows that a model of a fold is fitted to, as the correction counts them; None where test rows
    test. References are given as many as the variant that is given most."""
    if scores.basis == "test" or scores.groups.folds is None:
        return None
    of_all = scores.groups.folds.num_train
    variants = [scores.variant(name)] if kind == "network" else scores.variants
    return max(v.config.num_train or of_all for v in variants)


def _model(
    kind: str,
    name: str,
    about: About,
    arrays: Mapping[str, np.ndarray],
    scores: StudyScores,
    num_train: int | None,
) -> ModelImportance:
    """Holm's correction is over the columns of this model."""
    whole, shuffled = arrays[f"{kind}/whole"], arrays[f"{kind}/shuffled"].mean(axis=2)
    turned = scores.unit().gain(1.0)
    gains = turned * whole, turned * shuffled
    compared = [_compared(gains[0], own, scores, num_train) for own in gains[1].T]
    corrected = paired_tests.holm([one.p for one in compared])
    columns = zip(about.columns, compared, corrected, gains[1].T, strict=True)
    return ModelImportance.model_validate(
        {
            "kind": kind,
            "name": name,
            "columns": tuple(
                ColumnImportance(
                    name=column,
                    loss=Versus(**asdict(one), p_holm=p),
                    by_seed=tuple((gains[0] - own).tolist()),
                )
                for column, one, p, own in columns
            ),
        }
    )


def _compared(
    whole: np.ndarray, shuffled: np.ndarray, scores: StudyScores, num_train: int | None
) -> Comparison | FoldComparison:
    """Rows as they are minus the same with a column shuffled, seed by seed or fold by fold."""
    if num_train is None or scores.groups.folds is None:
        found = paired_tests.compare_paired(whole, shuffled, higher_is_better=True)
        # As many columns as a table has leave nothing to the sign flips of a few seeds.
        return replace(found, p=paired_tests.paired_t_p(whole - shuffled))
    planned = scores.groups.folds
    return compare_folds(
        whole.reshape(-1, planned.num_folds),
        shuffled.reshape(-1, planned.num_folds),
        num_train=num_train,
        num_held_out=planned.num_held_out,
        higher_is_better=True,
    )


def title_of_model(model: ModelImportance, results: StudyNumbers) -> str:
    """ "the best network, dropout=0.2", "boosted trees"."""
    if model.kind == "network":
        return f"{the_network(results)}, {in_words(results.variant(model.name), results)}"
    return next(r.title for r in results.references if r.name == model.name)


def importance_sentences(results: StudyNumbers) -> list[str]:
    """What each model leans on; and which columns cannot be told apart by shuffling."""
    found, unit = results.importance, results.unit()
    if found is None:
        return []
    return [*(_leans_on(model, results, unit) for model in found.models), *_alike(found)]


def _leans_on(model: ModelImportance, results: StudyNumbers, unit: Unit) -> str:
    title, telling = title_of_model(model, results), [c for c in model.ranked if c.matters]
    title = title[:1].upper() + title[1:]
    tested, num_columns = results.tested, len(model.columns)
    pairs = model.columns[0].loss.num_pairs
    if not telling:
        few = f" ({tested.pairs(pairs)} are too few to tell)" * (
            not model.columns[0].loss.is_tested
        )
        return f"{title}: no column is shown to matter by itself{few}."
    first, *others = telling
    lean = "lean" if model.name == "boosted_trees" else "leans"
    more = [c.name for c in others[: _BY_NAME - 1]]
    then = f"; then {listed(more)}" if more else ""
    are = "is" if len(telling) == 1 else "are"
    of_all = f"{len(telling)} of {num_columns} columns {are}" if num_columns > 1 else "it is"
    # Over seeds small effects show that other rows would hide.
    num_rows = results.importance.num_rows if results.importance else 0
    on_rows = f" on these {num_rows:,} rows" * (results.basis == "test")
    return (
        f"{title}{',' * (model.kind == 'network')} {lean} most on {first.name}: with its values "
        f"shuffled the {tested.adjective} {unit.title} is worse by "
        f"{_size(first.loss, unit)}{then}; {of_all} shown to matter{on_rows}."
    )


def _size(loss: Versus, unit: Unit) -> str:
    interval = f"95 % interval {unit.interval(loss.ci95)}, " if loss.ci95 else ""
    points = f" {unit.of_difference}" * (unit.scale > 1)  # what else it is of was just named
    return f"{unit.value(loss.difference)}{points} ({interval}Holm p {p_equals(loss.p_holm)})"


def _alike(found: Importance) -> list[str]:
    if not found.alike:
        return []
    sets = [listed(columns[:_BY_NAME]) for columns in found.alike[:_BY_NAME]]
    more = " and others" * (
        len(found.alike) > _BY_NAME or any(len(c) > _BY_NAME for c in found.alike)
    )
    return [
        "Columns that rise and fall together stand in for each other, so that one shuffled alone "
        f"shows less than they matter together: {'; '.join(sets)}{more}. --importance-groups "
        "shuffles such columns as one."
    ]
