"""How far rows of one person on both sides inflate a score; part of `calibration.py`.

A nearest-neighbour classifier, which remembers persons as a network does, on tables of 60 persons
with 5 rows each. Whose class it is follows weakly from the features; else it is the person's own.
"""

from typing import Any

import numpy as np
from simulated import percent, table
from sklearn.neighbors import KNeighborsClassifier

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data import Dataset
from kmlp.engine.member import Member

PERSONS, ROWS, FEATURES = 60, 5, 4
_SPREAD = 0.2  # of a person's rows, in units of the spread of persons
KINDS = {"rows at random": {}, "group_on": {"group_on": "person"}}


def group_leak(studies: int) -> dict[str, dict[str, float]]:
    """By how rows are parted: the mean accuracy on validation rows, on test rows, and on rows of
    2,000 persons that nobody has seen, which is what a score is read as."""
    return {
        kind: {
            part: float(np.mean(scores).round(4))
            for part, scores in zip(
                ("validation", "test", "truth"),
                np.transpose([_scores(seed, **said) for seed in range(studies // 20)]),
                strict=True,
            )
        }
        for kind, said in KINDS.items()
    }


def _scores(seed: int, **said: str) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    columns = _table(rng, PERSONS)
    drop = [] if said else ["person"]
    data = Dataset.from_table(columns, "y", test=0.2, drop=drop, **said)
    rows, held_out = _member(seed, data).split(data.rows)
    model = KNeighborsClassifier(1).fit(data.x_train[rows], data.y_train[rows])
    fresh = _table(rng, 2000)
    x = np.stack([fresh[c.name] for c in data.spec.columns], axis=1)
    truth = (fresh["y"] == "yes").astype(int)
    return (
        model.score(data.x_train[held_out], data.y_train[held_out]),
        model.score(data.x_test, data.y_test),
        model.score(x, truth),
    )


def _table(rng: np.random.Generator, persons: int) -> dict[str, Any]:
    centres = rng.normal(size=(persons, FEATURES))
    says_yes = rng.random(persons) < 1 / (1 + np.exp(-centres[:, 0]))
    of = np.repeat(np.arange(persons), ROWS)
    x = centres[of] + _SPREAD * rng.normal(size=(len(of), FEATURES))
    return {
        **{f"x{i}": x[:, i] for i in range(FEATURES)},
        "person": np.char.add("p", of.astype(str)),
        "y": np.where(says_yes[of], "yes", "no"),
    }


def _member(seed: int, data: Dataset) -> Member:
    return Member(
        model=MLPConfig(),
        train=TrainConfig(),
        seeds=Seeds.all(seed),
        validation_fraction=1 / 6,
        data_sha256=data.provenance.sha256,
    )


def group_table(found: dict[str, dict[str, float]]) -> str:
    """Accuracies by how rows are parted."""
    parts = ("validation", "test", "truth")
    return table(
        "Accuracy where each person has 5 rows, and on persons that nobody has seen",
        parts,
        [(kind, *(percent(scores[p]) for p in parts)) for kind, scores in found.items()],
    )


if __name__ == "__main__":
    print(group_table(group_leak(4000)))
