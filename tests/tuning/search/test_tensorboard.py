"""TensorBoard's own backend reads the trials of a search back."""

import numpy as np
import pytest

from kmlp.study.run_folder.folder import MemberRecord
from kmlp.study.tensorboard import EVENTS_FILE
from tests.made_search import NUM_SEEDS, made_search
from tuning.results.search_folder import SearchFolder
from tuning.search.tensorboard import write_events

CURVE = np.array([0.5, 0.7, 0.6])

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """Five trials, the fourth of which failed; the first seed of trial 0 has a curve."""
    path = tmp_path_factory.mktemp("search")
    results = made_search(path, num_trials=5)
    folder = SearchFolder(path)
    with folder.writing():
        record = MemberRecord(
            id=results.trials[0].executions[0].member,
            status="done",
            best_epoch=2,
            stopped_epoch=3,
            metrics={},
            seconds=1.0,
        )
        folder.record(record, {"curve_val_accuracy": CURVE})
    return results, write_events(folder, results)


@pytest.fixture(scope="module")
def loaded(search):
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(search[1]))
    multiplexer.Reload()
    return multiplexer


@pytest.fixture(scope="module")
def groups(loaded):
    """The rows of the HParams page, asked for as the page asks."""
    from tensorboard import context
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    provider = MultiplexerDataProvider(loaded, "")
    backend = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=100,
        aggregation_type=api_pb2.AGGREGATION_AVG,
        allowed_statuses=[
            api_pb2.STATUS_SUCCESS,
            api_pb2.STATUS_FAILURE,
            api_pb2.STATUS_RUNNING,
            api_pb2.STATUS_UNKNOWN,
        ],
    )
    handler = list_session_groups.Handler(context.RequestContext(), backend, "", request)
    return {group.name: group for group in handler.run().session_groups}


def test_every_trial_is_a_row_with_its_own_values(search, groups):
    trials = search[0].trials
    assert set(groups) == {f"trial-{n:04d}" for n in range(5)}
    for trial in trials:
        shown = groups[f"trial-{trial.number:04d}"].hparams
        found = {name: getattr(v, v.WhichOneof("kind")) for name, v in shown.items()}
        assert found == trial.values


def test_a_rows_score_is_the_mean_of_its_executions(search, groups):
    for trial in search[0].trials:
        values = groups[f"trial-{trial.number:04d}"].metric_values
        if trial.status == "done":
            assert [v.name.tag for v in values] == ["score"]
            assert values[0].value == pytest.approx(trial.score, abs=1e-6)
        else:
            assert list(values) == []


def test_sessions_say_whether_they_succeeded(search, groups):
    from tensorboard.plugins.hparams import api_pb2

    for trial in search[0].trials:
        is_done = trial.status == "done"
        sessions = groups[f"trial-{trial.number:04d}"].sessions
        expected = api_pb2.STATUS_SUCCESS if is_done else api_pb2.STATUS_FAILURE
        assert [s.status for s in sessions] == [expected] * (NUM_SEEDS if is_done else 1)


def test_the_curves_of_an_execution_are_its_scalars(loaded):
    events = loaded.Tensors("trial-0000/seed-0", "epochs/val_accuracy")
    assert [e.step for e in events] == [1, 2, 3]
    np.testing.assert_allclose([e.tensor_proto.float_val[0] for e in events], CURVE, rtol=1e-6)


def test_written_again_it_is_the_same(search):
    out = search[1]
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert write_events(SearchFolder(out.parent), search[0]) == out
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_values_stand_in_order_whatever_process_writes_them(search):
    """Else the same search would have other bytes each time."""
    (first, *_), out = search[0].trials, search[1]
    content = (out / "trial-0000" / "seed-0" / EVENTS_FILE).read_bytes()
    places = [content.index(name.encode()) for name in sorted(first.values)]
    assert len(places) == 9
    assert places == sorted(places)


def test_a_search_leaves_its_trials_for_tensorboard(tiny, tmp_path):
    from kmlp.testing import LinearTrainer
    from tuning import tune

    small = {"max_epochs": 1, "batch_size": 300}
    settings = {"tuner": "random", "max_trials": 1, "num_seeds": 1, "train": small}
    tune(tiny, tmp_path, trainer=LinearTrainer(), space=["none", "dropout=0,0.5"], **settings)
    assert [p.name for p in (tmp_path / "tensorboard").glob("trial-0000/*")] == ["seed-0"]
