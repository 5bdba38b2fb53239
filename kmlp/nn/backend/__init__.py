"""The few functions that must name a backend, one small module for each.

- `compile(function, fused)`: the function as one program, of XLA where fused.
- `fuse(function)`: an elementwise part of a program, fused by XLA in either case.
- `keep_programs(folder)`: asks for compiled programs to be kept there, before the first one is;
  whether they will be.
- `in_one_pass(function, tensors)`: the elementwise function's results, in one loop over memory.
- `set_flags()`: what the compiler is asked for, before it first compiles.
- `value_and_gradients(function, weights)`: `((value, aux), gradients)`.
- `devices()`: what there is to compute on, in words; GPUs with their compute capability.
- `device_memory()`: bytes of the accelerators that train, of the one that has least; None without.
- `num_places()`: prepares the devices; how many stacks to train at once, each in a place of its
  own: a core, or an accelerator.
- `place(index)`: the context in which one of them trains.
- `place_name(index)`: its model and its name, as ("NVIDIA H200", "gpu:1"); of a core no model.
- `multiplies_bfloat16()`: whether products of it take less than float32's, and nothing else does.
- `bfloat16_product(a, b, axes)`: over an axis of each, those before the last two paired; float32.
- `laid_out(tensor)`: written out in its own order; else what reads a transposed one is given what
  was transposed.
- `copies_data()`: whether each place holds what it reads by itself.
- `forget_programs(index)`: lets go of what is compiled for a place in which nothing runs; whether
  it was.
- `full_precision()`: the context in which float32 products keep float32's 24 bits.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from kmlp.nn.backend.tensorflow import (
        bfloat16_product,
        compile,
        copies_data,
        device_memory,
        devices,
        forget_programs,
        full_precision,
        fuse,
        in_one_pass,
        keep_programs,
        laid_out,
        multiplies_bfloat16,
        num_places,
        place,
        place_name,
        rounded_as_a_constant,
        set_flags,
        value_and_gradients,
    )
elif keras.backend.backend() == "jax":
    from kmlp.nn.backend.jax import (
        bfloat16_product,
        compile,
        copies_data,
        device_memory,
        devices,
        forget_programs,
        full_precision,
        fuse,
        in_one_pass,
        keep_programs,
        laid_out,
        multiplies_bfloat16,
        num_places,
        place,
        place_name,
        rounded_as_a_constant,
        set_flags,
        value_and_gradients,
    )
else:
    raise ImportError(
        "kmlp trains on TensorFlow or JAX. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
    )

__all__ = [
    "bfloat16_product",
    "compile",
    "copies_data",
    "device_memory",
    "devices",
    "forget_programs",
    "full_precision",
    "fuse",
    "in_one_pass",
    "keep_programs",
    "laid_out",
    "multiplies_bfloat16",
    "num_places",
    "place",
    "place_name",
    "rounded_as_a_constant",
    "set_flags",
    "value_and_gradients",
]
