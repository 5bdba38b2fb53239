"""Every network of a study scored by a function of the user's own, from its stored predictions."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kmlp.errors import RunFolderError
from kmlp.stats.metrics.own import Metric
from kmlp.study.plan import Plan
from kmlp.study.results.evidence import ensemble_outputs
from kmlp.study.results.records.own_metric import OwnScores
from kmlp.study.run_folder.folder import RunFolder
from kmlp.study.run_folder.records import has_outputs, outputs_in

_ROWS = {"val": "val_rows", "fold": "fold_rows"}


def score_members(folder: RunFolder, plan: Plan, metric: Metric) -> OwnScores:
    """The metric of each finished member on its validation rows, and on what tests it.

    Raises:
        ConfigError: the function fails.
        RunFolderError: arrays are damaged, or lack the predictions of validation rows.
    """
    scorer = _Scorer(folder, metric)
    references = [m.id for by_seed in plan.references.values() for m in by_seed.values()]
    references += [m.id for by_fold in plan.fold_references.values() for m in by_fold.values()]
    done = {id for id, record in folder.records().items() if record.status == "done"}
    wanted = [id for id in (*plan.by_id, *references) if id in done]
    members = {id: dict(scorer.parts(folder.arrays(id))) for id in wanted}
    ordinary = [id for ids in plan.ids.values() for id in ids.values() if id in members]
    _refuse_unvalidated(folder, members, ordinary)
    by_variant = {v: [id for id in ids.values() if id in members] for v, ids in plan.ids.items()}
    return OwnScores(
        name=metric.name,
        higher_is_better=metric.higher_is_better,
        members=members,
        ensembles=dict(scorer.ensembles(by_variant)),
    )


class _Scorer:
    """The rows' truth, and the function."""

    def __init__(self, folder: RunFolder, metric: Metric) -> None:
        self._folder, self._metric = folder, metric
        self._test, self._test_weight = folder.test_labels(), folder.row_weights()
        self._train, self._train_weight = self._test[:0], None
        if folder.has_train_labels:
            self._train, self._train_weight = folder.train_labels(), folder.row_weights("train")

    def parts(self, arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, float]]:
        """The scores of one member, part by part."""
        if has_outputs(arrays, "test") and len(self._test):
            yield "test", self._metric.of(self._test, outputs_in(arrays), self._test_weight)
        for part, rows in _ROWS.items():
            if has_outputs(arrays, part) and len(self._train):
                own = arrays[rows]
                weight = None if self._train_weight is None else self._train_weight[own]
                yield part, self._metric.of(self._train[own], outputs_in(arrays, part), weight)

    def ensembles(self, by_variant: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, float]]:
        """The score of each variant's mean prediction."""
        for variant, ids in by_variant.items():
            # Where folds test no ordinary member has predictions of rows that test it.
            is_tested = ids and has_outputs(self._folder.arrays(ids[0]), "test")
            if is_tested and len(self._test):
                mean = ensemble_outputs([self._folder.test_outputs(id) for id in ids])
                yield variant, self._metric.of(self._test, mean, self._test_weight)


def _refuse_unvalidated(
    folder: RunFolder, members: Mapping[str, Mapping[str, float]], ordinary: Sequence[str]
) -> None:
    """The best is chosen on validation rows, never on what tests."""
    if all("val" in members[id] for id in ordinary):
        return
    raise RunFolderError(
        f"{folder.path} keeps no predictions of validation rows, which choose the best: its "
        "networks were trained by an earlier release, or without validation rows. Train them again "
        "in another folder, or take a metric that kmlp has."
    )
