"""What a study's best models lose without each column, kept in its run folder."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from kmlp.config import AUTO, StudyConfig
from kmlp.config.tables.references import title_of
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.trainer import Trainer
from kmlp.errors import ConfigError
from kmlp.stats.metrics import BY_NAME
from kmlp.stats.metrics.own import Metric
from kmlp.stats.metrics.predicted import PredictedClasses, PredictedNumbers
from kmlp.study.importance.columns import places_by_column, told_alike
from kmlp.study.importance.rows import ScoredRows, rows_that_test
from kmlp.study.importance.shuffling import Draw, Shuffled, shuffled_scores
from kmlp.study.plan import Plan
from kmlp.study.references.member import ReferenceMember
from kmlp.study.results.analyses.shuffled_models import About, about_models, known_importance
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder.folder import IMPORTANCE, RunFolder

_MOST_COLUMNS = 200
_AT_ONCE = 20  # as many as there are folds where nobody says how many
_ROWS_AT_ONCE = 20_000


class ImportanceWatcher(Protocol):
    """Who is told of each model before its columns are shuffled."""

    def importance(self, model: str, num_columns: int) -> None: ...


def check_importance(config: StudyConfig, data: Dataset) -> None:
    """Refuses what cannot be found out, before anything is trained.

    Raises:
        ConfigError: the data have no columns, or not those that are named.
    """
    has_columns = len(data.spec.input_shape) == 1
    if not has_columns and (config.importance is True or config.importance_groups):
        raise ConfigError(
            "importance is of the columns of a table or of arrays (n, columns). Received: examples "
            f"of shape {data.spec.input_shape}. Leave it out."
        )
    if has_columns:
        places_by_column(data.spec, config.importance_groups)


def is_wanted(config: StudyConfig, data: Dataset) -> bool:
    """Whether a study finds out which columns matter: by itself of tables that are not too wide."""
    if config.importance != AUTO:
        return bool(config.importance)
    if data.schema is None:
        return bool(config.importance_groups)
    return len(places_by_column(data.spec, config.importance_groups)) <= _MOST_COLUMNS


def find_importance(
    folder: RunFolder,
    results: StudyResults,
    plan: Plan,
    data: Dataset,
    trainer: Trainer,
    watcher: ImportanceWatcher | None = None,
    *,
    metric: Metric | None = None,
) -> bool:
    """Shuffles the columns of the best models, unless the folder knows what that gives.

    Args:
        folder: being written.
        results: what the models are chosen by.
        plan: of the study.
        data: whose test rows are scored, or whose folds, each by what has not seen it.
        trainer: makes predictions of trained networks.
        watcher: told of each model.
        metric: of the user's own, where it decides; its function may be another than it was.

    Returns:
        Whether anything was found out that the results do not hold yet.
    """
    if not is_wanted(plan.config, data):
        return False
    columns = places_by_column(data.spec, plan.config.importance_groups)
    about = about_models(results, results.references, plan.config, columns)
    if about is None or (metric is None and about == known_importance(folder)):
        return False
    job = _Job(folder, plan, data, about, metric)
    x = job.rows_of_a_seed()
    arrays = {"num_rows": np.array(len(x))}
    for kind, found in job.models(trainer, watcher):
        arrays |= {f"{kind}/{name}": array for name, array in vars(found).items()}
    texts = {"about": about.to_json(), "alike": json.dumps(told_alike(x, columns, data.spec))}
    folder.write_arrays(IMPORTANCE, arrays | {name: np.array(t) for name, t in texts.items()})
    return True


class _Job:
    """The models of a study, and the rows that they are scored on."""

    def __init__(
        self,
        folder: RunFolder,
        plan: Plan,
        data: Dataset,
        about: About,
        metric: Metric | None = None,
    ) -> None:
        self._metric = metric
        self._folder, self._plan, self._data, self._about = folder, plan, data, about

    def rows_of_a_seed(self) -> np.ndarray:
        """`(n, features)`: what networks of one seed are scored on: a network on the test rows, or
        those of a repeat, each on its fold."""
        about = self._about
        ids = [
            id
            for id, seed in zip(about.members, about.seeds, strict=True)
            if seed == about.seeds[0]
        ]
        return np.concatenate([self._rows(self._plan.by_id[id]).x for id in ids])

    def models(
        self, trainer: Trainer, watcher: ImportanceWatcher | None
    ) -> Iterator[tuple[str, Shuffled]]:
        """Each model's kind, and its scores."""
        about, num_columns = self._about, len(self._about.columns)
        if watcher:
            watcher.importance(f"the network {about.network}", num_columns)
        yield "network", self._networks(trainer)
        if about.reference:
            if watcher:
                title = title_of(
                    about.reference,
                    is_regression=self._data.spec.task == "regression",
                    is_tuned=about.reference_trials > 1,
                )
                watcher.importance(title, num_columns)
            yield "reference", self._references(about.reference)

    def _networks(self, trainer: Trainer) -> Shuffled:
        members = [self._plan.by_id[id] for id in self._about.members]
        found = []
        for start in range(0, len(members), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            weights = [_weights(self._folder.arrays(m.id)) for m in members[part]]
            predict = trainer.predictor(members[part], weights, self._data)
            found.append(self._shuffled(predict, members[part], self._about.draws[part]))
        return _together(found)

    def _references(self, name: str) -> Shuffled:
        from kmlp.study.references.training import fit

        found, records = [], self._folder.records()
        for draw in self._about.reference_draws:
            reference = self._reference(name, draw)
            predict = fit(reference, self._data, records[reference.id].settings)
            found.append(self._shuffled(_alone(predict), [reference.network], [draw]))
        return _together(found)

    def _reference(self, name: str, draw: Draw) -> ReferenceMember:
        seed, *fold = draw
        if fold:
            return self._plan.fold_references[name][seed, fold[0]]
        return self._plan.references[name][seed]

    def _rows(self, member: Member) -> ScoredRows:
        return rows_that_test(self._data, member, len(self._about.columns))

    def _shuffled(
        self,
        predict: Callable[[np.ndarray], np.ndarray],
        members: Sequence[Member],
        draws: Sequence[Draw],
    ) -> Shuffled:
        rows = [self._rows(member) for member in members]
        return shuffled_scores(
            [own.x for own in rows],
            self._about.columns,
            draws,
            predict,
            lambda place, outputs: self._score(rows[place], outputs),
            rows_at_once=_ROWS_AT_ONCE // len(members),
        )

    def _score(self, rows: ScoredRows, outputs: np.ndarray) -> float:
        if self._metric:
            return self._metric.of(rows.truth, outputs, rows.weight)
        is_regression = self._data.spec.task == "regression"
        checked = PredictedNumbers.checked if is_regression else PredictedClasses.checked
        return BY_NAME[self._about.metric].score(checked(rows.truth, outputs, rows.weight))


def _alone(predict: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The same of `(1, n, features)`, as of a stack of one."""
    return lambda x: predict(x[0])[None]


def _together(found: Sequence[Shuffled]) -> Shuffled:
    return Shuffled(
        whole=np.concatenate([f.whole for f in found]),
        shuffled=np.concatenate([f.shuffled for f in found]),
    )


def _weights(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    prefix = "weight/"
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
