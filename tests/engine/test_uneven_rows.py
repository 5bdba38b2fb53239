"""Members of about as many rows share a program, and are computed as if they were alone."""

import dataclasses

import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.engine.member import counted
from kmlp.engine.scheduler import fit_stack
from kmlp.engine.signature import Signature
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData
from kmlp.errors import ConfigError
from tests.twins import make_member

NUM_ROWS = 130


def grouped(task: str = "binary", *, weighted: bool = False) -> Dataset:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(26), rng.integers(1, 10, 26))[:NUM_ROWS]
    x = rng.normal(size=(len(groups), 5)).astype("float32")
    y = x[:, 0] + 0.3 * rng.normal(size=len(groups))
    y = y.astype("float32") if task == "regression" else (y > 0).astype(int)
    weight = rng.integers(1, 4, len(groups)).astype(float) if weighted else None
    return Dataset.from_arrays(x, y, x[:9], y[:9], groups=groups, sample_weight=weight)


def members_of(data: Dataset, num_members: int = 6, **changes) -> list:
    members = [
        make_member(data, seed, **{"batch_size": 32, "max_epochs": 3, **changes})
        for seed in range(num_members)
    ]
    return counted(members, data.rows)


def of_one_program(data: Dataset, **changes) -> list:
    """Two members whose counts differ, and are filled up alike."""
    members = members_of(data, 30, **changes)
    for one in members:
        for other in members:
            alike = Signature.of(one).counts == Signature.of(other).counts
            if alike and one.counts[0] != other.counts[0] and one.counts[1] != other.counts[1]:
                return [one, other]
    raise AssertionError("no two members are alike")


def fitted(data: Dataset, members: list) -> list:
    return fit_stack(build_stack(members, data.spec), DeviceData(data))


def distance(one, other) -> float:
    """The largest difference of a weight or a curve; of what is above 1, relative to it."""
    pairs = [(one.weights[k], other.weights[k]) for k in one.weights]
    pairs += [(one.curves[k], other.curves[k]) for k in one.curves]
    found = [np.max(np.abs(a - b) / np.maximum(1.0, np.abs(a))) for a, b in pairs]
    return float(max(found))


@dataclasses.dataclass
class Pair:
    """Two members of one program, trained together, and each alone."""

    data: Dataset
    members: list
    together: list
    alone: list


KINDS = {
    "classes": ("binary", False, {"dropout": 0.3, "l2": 1e-3}),
    "numbers": ("regression", True, {"batch_size": "full", "early_stopping": False}),
}


@pytest.fixture(scope="module", params=KINDS)
def pair(request) -> Pair:
    task, weighted, changes = KINDS[request.param]
    data = grouped(task, weighted=weighted)
    members = of_one_program(data, **changes)
    alone = [fitted(data, [member])[0] for member in members]
    return Pair(data, members, fitted(data, members), alone)


@pytest.mark.slow
def test_a_member_among_others_is_the_member_alone(pair):
    for member, result, alone in zip(pair.members, pair.together, pair.alone, strict=True):
        assert distance(result, alone) < 1e-6
        np.testing.assert_array_equal(result.validation_rows, member.split(pair.data.rows)[1])


def test_rows_that_stand_in_change_nothing(pair):
    """Against a program of just as many rows, without any that stand in."""
    member = pair.members[0]
    assert Signature.of(member).counts != member.counts
    exact = dataclasses.replace(member, counts=None)
    assert distance(pair.alone[0], fitted(pair.data, [exact])[0]) < 2e-6


def test_curves_are_of_the_rows_that_are_scored_at_the_end(pair):
    """A regression's are in units of its own variance."""
    for one in pair.alone:
        name = "mse" if "mse" in one.metrics["val"] else "cross_entropy"
        unit = one.weights["predictions/variance"][0] if name == "mse" else 1.0
        curve = unit * one.curves[f"val_{name}"]
        assert curve[one.best_epoch - 1] == pytest.approx(one.metrics["val"][name], rel=1e-5)


def test_batch_statistics_are_of_all_rows_of_a_batch():
    """There nobody can stand in: other counts are other programs."""
    data = grouped()
    members = members_of(data, normalization="batch")
    assert [Signature.of(m).counts for m in members] == [m.counts for m in members]
    pair = [m for m in members if m.counts != members[0].counts][:1] + members[:1]
    with pytest.raises(ConfigError, match="counts"):
        build_stack(pair, data.spec)
