"""What TensorBoard reads of a study: every network's curves and scores, and whose it is."""

import pytest

from kmlp.study.tensorboard import EVENTS_FILE, write_tensorboard
from tests.hand_made import hand_made

pytestmark = pytest.mark.engine
CALLED = {"none": "none", "dropout": "a/b $x$ 数据", "l2": "l2"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    made = hand_made(tmp_path_factory.mktemp("runs") / "a", "multiclass", 2, called=CALLED)
    return made, write_tensorboard(made.folder.path)


def scalars(folder) -> dict[str, list[tuple[int, float]]]:
    """By tag, as TensorBoard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    read = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    tags = [tag for tag in read.Tags()["tensors"] if not tag.startswith("_hparams_")]
    return {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in read.Tensors(tag)]
        for tag in tags
    }


def test_every_network_is_a_run_of_its_variant(written):
    _, out = written
    places = sorted(str(p.parent.relative_to(out)) for p in out.rglob(EVENTS_FILE))
    variants = ("00-none", "01-a_b_x_", "02-l2")
    assert places == [".", *(f"{v}/seed-{s}" for v in variants for s in (0, 1))]


def test_curves_and_scores_are_those_of_the_results(written):
    made, out = written
    found = scalars(out / "02-l2" / "seed-1")
    member = next(m for m in made.record.members if (m.variant, m.seed) == ("l2", 1))
    assert found["test/accuracy"] == [(member.best_epoch, pytest.approx(member.test["accuracy"]))]
    curve = made.folder.arrays(member.id)["curve_val_cross_entropy"]
    assert found["epochs/val_cross_entropy"] == [
        (epoch, pytest.approx(value)) for epoch, value in enumerate(curve, start=1)
    ]


def test_written_again_it_is_the_same(written):
    made, out = written
    before = {p: p.read_bytes() for p in out.rglob(EVENTS_FILE)}
    assert write_tensorboard(made.folder.path) == out
    assert {p: p.read_bytes() for p in out.rglob(EVENTS_FILE)} == before
