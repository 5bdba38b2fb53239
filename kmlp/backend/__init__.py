"""The few functions that must name a backend, one small module for each.

- `compile(function)`: the function as one compiled program.
- `compile_update(function)`: the same for the elementwise optimizer update alone.
- `value_and_gradients(function, weights)`: `((value, aux), gradients)`.
- `random_words(key, step, size)`: keyed random `uint32`, `(k, size)`.
- `random_bytes(key, step, shape)`: keyed random `uint8`, `(k, *shape)`.
- `device_memory()`: bytes of the accelerator that trains; None without one.
- `set_threads()`: prepares the device for one stack a core; how many stacks to run at once.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from kmlp.backend.tensorflow import (
        compile,
        compile_update,
        device_memory,
        random_bytes,
        random_words,
        set_threads,
        value_and_gradients,
    )
elif keras.backend.backend() == "jax":
    from kmlp.backend.jax import (
        compile,
        compile_update,
        device_memory,
        random_bytes,
        random_words,
        set_threads,
        value_and_gradients,
    )
else:
    raise ImportError(
        "kmlp trains on TensorFlow or JAX. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
    )

__all__ = [
    "compile",
    "compile_update",
    "device_memory",
    "random_bytes",
    "random_words",
    "set_threads",
    "value_and_gradients",
]
