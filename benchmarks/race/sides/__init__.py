"""The sides of the benchmark: what each is called, needs and does. Nothing heavy is imported.

A side's module holds a class `Trainer(setting, data)` with

- `train(seeds, epochs) -> dict`: trains the members of these seeds, all of them for all epochs
  with validation after each, and returns `{"accuracy": mean validation accuracy after the last
  epoch}`; no work may be left running or unsaid when it returns;
- `choice`, where the side tunes itself when it is made: what it chose, in words.
"""

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SideInfo:
    """What the judge must know of a side before it starts.

    Attributes:
        title: in the table.
        module, trainer: where its trainer is.
        requires: packages.
        is_loop: its time grows with the number of members, so a few of them tell it all.
        is_floor: only the matrix products; no training.
        per_core: one process of one thread a core, the members shared out.
        one_thread: its libraries get one thread; it makes its own.
        float32_only: it has no mixed precision.
        is_before: kmlp of another checkout, whose folder `BEFORE` in the environment is.
        note: how it differs from the others.
    """

    title: str
    module: str
    trainer: str = "Trainer"
    requires: tuple[str, ...] = ()
    is_loop: bool = False
    is_floor: bool = False
    per_core: bool = False
    one_thread: bool = False
    float32_only: bool = False
    is_before: bool = False
    note: str = ""

    def missing(self) -> list[str]:
        """The packages that it lacks here; the backend's own among them."""
        import os

        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        wanted = [backend if name == "BACKEND" else name for name in self.requires]
        return [name for name in wanted if importlib.util.find_spec(name) is None]


_KERAS = ("keras", "BACKEND")
BEFORE = "KMLP_BEFORE"
SIDES = {
    "kmlp": SideInfo(title="kmlp's stack", module="stack", requires=_KERAS),
    "kmlp_before": SideInfo(
        title="kmlp's stack, the checkout before", module="stack", requires=_KERAS, is_before=True
    ),
    "keras_fit": SideInfo(
        title="plain Keras `fit`", module="keras_fit", requires=_KERAS, is_loop=True
    ),
    "keras_fit_cores": SideInfo(
        title="plain Keras `fit`, a process a core",
        module="keras_fit",
        requires=_KERAS,
        is_loop=True,
        per_core=True,
    ),
    "keras_tuned": SideInfo(
        title="tuned Keras `fit`", module="keras_tuned", requires=_KERAS, is_loop=True
    ),
    "keras_tuned_cores": SideInfo(
        title="tuned Keras `fit`, a process a core",
        module="keras_tuned",
        requires=_KERAS,
        is_loop=True,
        per_core=True,
    ),
    "keras_tuner": SideInfo(
        title="KerasTuner, `executions_per_trial`",
        module="tuner",
        requires=(*_KERAS, "keras_tuner", "tensorboard"),
        is_loop=True,
        note="one trial of the fixed configuration; it saves each execution's best weights",
    ),
    "sklearn": SideInfo(
        title="scikit-learn's MLPClassifier",
        module="scikit_learn",
        requires=("sklearn",),
        is_loop=True,
        float32_only=True,
        note="it has no dropout",
    ),
    "sklearn_cores": SideInfo(
        title="scikit-learn's MLPClassifier, a process a core",
        module="scikit_learn",
        requires=("sklearn",),
        is_loop=True,
        per_core=True,
        float32_only=True,
        note="it has no dropout; processes of one thread, as joblib's",
    ),
    "torch_loop": SideInfo(
        title="PyTorch, a tuned loop", module="torch_loop", requires=("torch",), is_loop=True
    ),
    "torch_batched": SideInfo(
        title="PyTorch, batched weights", module="torch_batched", requires=("torch",)
    ),
    "floor_numpy": SideInfo(
        title="floor: NumPy's products",
        module="floor_numpy",
        is_floor=True,
        one_thread=True,
        float32_only=True,
    ),
    "floor_torch": SideInfo(
        title="floor: PyTorch's products",
        module="floor_torch",
        requires=("torch",),
        is_floor=True,
    ),
    "floor_tensorflow": SideInfo(
        title="floor: TensorFlow's products",
        module="floor_tensorflow",
        requires=("tensorflow",),
        is_floor=True,
        one_thread=True,
    ),
    "floor_jax": SideInfo(
        title="floor: JAX's products", module="floor_jax", requires=("jax",), is_floor=True
    ),
    "study_kmlp": SideInfo(
        title="`run_study`", module="study", trainer="StackedStudy", requires=(*_KERAS, "scipy")
    ),
    "study_fit": SideInfo(
        title="plain Keras `fit`",
        module="study",
        trainer="PlainLoop",
        requires=_KERAS,
        is_loop=True,
    ),
    "study_tuned": SideInfo(
        title="tuned Keras `fit`",
        module="study",
        trainer="TunedLoop",
        requires=_KERAS,
        is_loop=True,
    ),
}
EPOCH_SIDES = tuple(name for name in SIDES if not name.startswith("study_"))
STUDY_SIDES = tuple(name for name in SIDES if name.startswith("study_"))
