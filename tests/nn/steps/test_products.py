"""Products of bfloat16: those of NumPy with operands that are rounded, forward and backward."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.nn import backend
from kmlp.nn.steps.products import rounded_product


def rounded(x: np.ndarray) -> np.ndarray:
    """As bfloat16 holds it."""
    return ops.convert_to_numpy(ops.cast(ops.cast(x, "bfloat16"), "float32"))


@pytest.mark.long
@pytest.mark.parametrize("paired", [(2,), (2, 3)], ids=["members", "subnetworks"])
def test_products_and_gradients_are_of_rounded_operands(paired):
    """Sums are float32's: of bfloat16's they would be off by a hundredth."""
    rng = np.random.default_rng(0)
    x, w, upstream = (
        rng.normal(size=(*paired, *shape)).astype(np.float32)
        for shape in ((64, 300), (300, 32), (64, 32))
    )

    @backend.compile
    def step(x, w):
        def loss_of(weights):
            product = rounded_product(*weights)
            return ops.sum(product * upstream), product

        return backend.value_and_gradients(loss_of, [x, w])

    given = [ops.convert_to_tensor(a) for a in (x, w)]
    (_, product), gradients = step(*given)
    assert keras.backend.standardize_dtype(product.dtype) == "float32"
    x, w, upstream = map(rounded, (x, w, upstream))
    wanted = (x @ w, upstream @ w.swapaxes(-1, -2), x.swapaxes(-1, -2) @ upstream)
    for found, expected in zip((product, *gradients), wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4)
