"""The bound on memory: against a real run, and by its arithmetic; what cannot fit is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kmlp.errors import MemoryLimitError
from kmlp.memory import EVALUATION_ROWS, Room, available, data_bytes, evaluation_rows, in_words
from kmlp.memory import _left_in_cgroups as left_in_cgroups
from kmlp.training import plan_stacks
from tests.twins import make_member

ROOT = Path(__file__).parent.parent
GIB = 2**30


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is Linux's count")
def test_a_real_run_stays_below_its_bound_and_does_not_grow_from_stack_to_stack():
    """200 networks in 20 stacks. The bound is at most 1.5 times the peak, but for some noise of
    the allocator; what a finished stack took is free again."""
    options = {"data": "tiny", "members": 200, "hidden_units": [8], "max_epochs": 1}
    done = subprocess.run(
        [sys.executable, "benchmarks/memory.py", "--one", json.dumps(options)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["measured"] <= found["estimate"] <= 1.8 * found["measured"]
    assert len(found["after"]) == 20
    assert found["after"][-1] - found["after"][7] < 8e6


def test_planned_stacks_fit_into_the_memory_there_is(tiny):
    """Less memory: smaller stacks; still less: fewer at once."""
    members = [make_member(tiny, s, hidden_units=(500, 500)) for s in range(40)]
    found = []
    for limit in (4 * GIB, GIB, GIB // 2):
        room = Room(tiny, at_once=4, device_memory=limit)
        need = room.need(plan_stacks(members, tiny.spec, 4, room=room))
        assert need.total <= 0.8 * limit
        found.append((need.at_once, need.widest))
    (most, widest), (still_most, narrower), (one, _) = found
    assert most == still_most == 4
    assert narrower < widest
    assert one == 1


def test_a_stack_takes_more_for_more_members_wider_layers_and_larger_batches(tiny):
    room = Room(tiny, 1, GIB)
    # Wide enough that a step takes more than the evaluation at the end.
    wide = {"hidden_units": (1000,)}
    least = room.stack_bytes(make_member(tiny, **wide), 1)
    assert room.stack_bytes(make_member(tiny, **wide), 2) > least
    for more in (
        {"hidden_units": (1000, 10)},
        {"dropout": 0.1},
        {"normalization": "batch"},
        {"drop_connect": 0.1},
        {"gradient_noise": 0.1},
        {"batch_size": 64},
    ):
        assert room.stack_bytes(make_member(tiny, **{**wide, **more}), 1) > least, more


def test_a_mask_for_each_example_counts_batch_times_weights(tiny):
    """(12 + 1) x 1000 masked weights, 32 rows: 16 floats each."""
    room = Room(tiny, 1, GIB)
    options = {"hidden_units": (1000,), "drop_connect": 0.5}
    one, each = (
        room.stack_bytes(make_member(tiny, drop_connect_mask=mask, **options), 1)
        for mask in ("batch", "example")
    )
    assert each - one == 31 * 13 * 1000 * 64


def test_data_that_cannot_fit_are_refused_with_the_numbers(tiny):
    with pytest.raises(MemoryLimitError, match=r"takes \d+ MiB of memory .* 80 MiB may be taken"):
        Room(tiny, 1, 100 * 2**20)


def test_a_network_that_cannot_fit_is_refused_with_what_to_do(tiny):
    room = Room(tiny, 2, GIB)
    wide = make_member(tiny, hidden_units=(9000, 9000))
    with pytest.raises(MemoryLimitError, match=r"\(9000, 9000\) units takes .* fewer hidden_units"):
        plan_stacks([make_member(tiny), wide], tiny.spec, 2, room=room)
    masked = make_member(
        tiny, hidden_units=(900, 900), drop_connect=0.5, drop_connect_mask="example"
    )
    with pytest.raises(MemoryLimitError, match='drop_connect_mask = "batch"'):
        room.width(masked)


def test_the_data_on_the_device_are_all_arrays(tiny):
    assert data_bytes(tiny) == 390 * (12 * 4 + tiny.y_train.itemsize)


def test_few_rows_of_wide_stacks_are_evaluated_at_once():
    least, most = EVALUATION_ROWS
    assert evaluation_rows(1, 10) == most
    assert evaluation_rows(1000, 1000) == least
    assert 400 < evaluation_rows(5, 784) < 600


def write_cgroup(root: Path, folder: str, **files: object) -> None:
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (root / folder / name.replace("__", ".")).write_text(f"{value}\n")


def test_the_limits_of_cgroups_around_this_one_count(tmp_path):
    """Version 2: the inner one has no limit, the outer one 3 GiB, of which 1 is cached files."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/outer/inner\n")
    stat = f"anon 5\ninactive_file {GIB}"
    write_cgroup(
        tmp_path, "sys/fs/cgroup/outer/inner", memory__max="max", memory__current=5, memory__stat=""
    )
    write_cgroup(
        tmp_path,
        "sys/fs/cgroup/outer",
        memory__max=3 * GIB,
        memory__current=2 * GIB,
        memory__stat=stat,
    )
    assert left_in_cgroups(tmp_path) == [2 * GIB]


def test_version_1_and_a_container_that_sees_its_own_cgroup_as_the_root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:cpu:/\n4:memory:/docker/abc\n0::/\n")
    write_cgroup(
        tmp_path,
        "sys/fs/cgroup/memory",
        memory__limit_in_bytes=GIB,
        memory__usage_in_bytes=GIB // 4,
        memory__stat="cache 0",
    )
    assert left_in_cgroups(tmp_path) == [3 * GIB // 4]


def test_no_cgroups_no_limits(tmp_path):
    assert left_in_cgroups(tmp_path) == []
    assert 0 < available() < 2**50


def test_sizes_in_words():
    assert in_words(np.int64(3.5 * GIB)) == "3.5 GiB"
    assert in_words(300 * 2**20) == "300 MiB"
