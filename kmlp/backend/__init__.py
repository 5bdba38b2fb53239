"""The few functions that must name a backend, one small module for each.

- `compile(function)`: the function as one XLA program.
- `value_and_gradients(function, weights)`: `((value, aux), gradients)`.
- `num_places()`: prepares the device; how many stacks to train at once, each in a place of its own.
- `place(index)`: the context in which one of them trains.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from kmlp.backend.tensorflow import compile, num_places, place, value_and_gradients
elif keras.backend.backend() == "jax":
    from kmlp.backend.jax import compile, num_places, place, value_and_gradients
else:
    raise ImportError(
        "kmlp trains on TensorFlow or JAX. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
    )

__all__ = ["compile", "num_places", "place", "value_and_gradients"]
