"""A program is compiled once, and shared."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.signature import Signature
from kmlp.engine.stack import build_stack
from tests.twins import make_member, train


@pytest.mark.slow
def test_no_epoch_and_no_stack_of_one_structure_is_traced_again(tiny):
    """A trace costs as much as many epochs; a tensor of another kind would cause one."""
    options = {
        "dropout": 0.1,
        "l2": 0.01,
        "normalization": "batch",
        "gradient_noise": 0.01,
        "class_weight": "balanced",
        "batch_size": 33,
    }
    for seed in (0, 2):
        members = [make_member(tiny, seed + i, **options) for i in range(2)]
        stack = train(build_stack(members, tiny.spec), tiny, 3)
    epoch = stack.program.train_epoch
    of_jax = keras.backend.backend() == "jax"
    num_traces = epoch._cache_size() if of_jax else epoch.num_traces
    assert num_traces == 1


def test_stacks_of_one_structure_and_size_share_their_program(tiny):
    first, second = (make_member(tiny, s, dropout=0.1 + 0.2 * s) for s in range(2))
    assert build_stack([first], tiny.spec).program is build_stack([second], tiny.spec).program
    assert PROGRAMS.get(Signature.of(first), 2, tiny.spec) is not PROGRAMS.get(
        Signature.of(first), 1, tiny.spec
    )


def test_training_leaves_the_shared_models_own_variables_alone(tiny):
    """The state flows through; what a stack trains must not leak into the next one."""
    member = make_member(tiny, normalization="batch", dropout=0.2)
    before = [
        ops.convert_to_numpy(v).copy()
        for v in build_stack([member], tiny.spec).program.model.variables
    ]
    stack = train(build_stack([member], tiny.spec), tiny, 1)
    for variable, value in zip(stack.program.model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)
