"""What must be instant loads nothing heavy, and every public name is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "statement",
    [
        "import kmlp, kmlp.cli",
        "from kmlp import StudyConfig, MLPConfig, TrainConfig, Dataset, load_dataset",
        "from kmlp import load_study, write_report",
    ],
)
@pytest.mark.process
def test_what_must_be_instant_loads_no_keras(statement):
    check = (
        f"{statement}; import sys; assert not {{'keras', 'tensorflow', 'jax'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)


@pytest.mark.process
def test_a_table_for_a_terminal_loads_nothing_that_draws():
    heavy = "{'keras', 'tensorflow', 'jax', 'matplotlib', 'jinja2'}"
    check = f"import sys, kmlp.cli.printing.tables; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)


@pytest.mark.process
def test_what_a_run_folder_shows_needs_no_tables_and_no_statistics_package():
    """They take longer to import than a folder of hundreds of networks takes to be read."""
    heavy = "{'polars', 'scipy.optimize', 'scipy.stats', 'sklearn', 'matplotlib'}"
    script = f"""
import contextlib, sys
from kmlp.cli import main
with contextlib.suppress(SystemExit):
    main(["show", "tests/data_0_1_0/study"])
assert "kmlp.study.loading" in sys.modules and not {heavy} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


@pytest.mark.engine
@pytest.mark.slow
def test_training_on_jax_needs_no_tensorflow(tmp_path):
    """A whole study in a process that cannot import it, through the command line."""
    pytest.importorskip("jax")
    script = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tf_keras"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocked())
from kmlp.cli import main
main()
"""
    options = ["--variants", "none", "--seeds", "1", "--max-epochs", "1", "--hidden-units", "4"]
    done = subprocess.run(
        [sys.executable, "-c", script, "study", "mnist", *options, "--out", str(tmp_path / "run")],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "results.json").exists()


@pytest.mark.long
def test_a_missing_model_is_told_before_tensorflow_loads(tmp_path):
    script = """
import sys
from kmlp import load_saved
from kmlp.errors import ModelError
try:
    load_saved("nowhere")
except ModelError:
    sys.exit("tensorflow" in sys.modules)
sys.exit("no error")
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment)


@pytest.mark.engine
def test_every_public_name_is_there():
    import kmlp

    assert all(getattr(kmlp, name).__doc__ for name in kmlp.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        kmlp.nonsense  # noqa: B018


@pytest.mark.engine
@pytest.mark.slow
def test_python_reads_nothing_of_tensorflows_notes(tmp_path):
    """From the first public name to a loaded model, as somebody's own script has them."""
    script = f"""
import kmlp
train = kmlp.TrainConfig(max_epochs=1)
config = kmlp.StudyConfig(dataset="wine", variants=("none",), num_seeds=1, train=train)
study = kmlp.run_study(config, {str(tmp_path / "run")!r})
kmlp.export(study.best(), {str(tmp_path / "model")!r})
print(len(kmlp.load_saved({str(tmp_path / "model")!r}).class_names))
"""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("3\n", "")
