"""The layers of the package hold, and what must be instant loads nothing heavy."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each module may import of the project; the arrows never point back.
ALLOWED = {
    "errors": set(),
    "fields": {"errors"},
    "rows": {"errors"},
    "config": {"errors", "fields", "rows", "sweep", "variants"},
    "study_file": {"config", "errors"},
    "sweep": {"config", "errors", "fields", "variants"},
    "variants": {"config", "errors", "fields"},
    "data": {"errors"},
    "machine": set(),
    "quiet": set(),
    "backend": {"machine"},
    "draws": {"backend"},
    "member": {"config", "rows"},
    "requirements": {"data", "errors", "member"},
    "structure": {"errors", "member"},
    "losses": set(),
    "layers": {"draws", "drop_connect"},
    "drop_connect": {"errors", "fields"},
    "optimizers": set(),
    "gradient_noise": {"errors"},
    "model": {"config", "data", "drop_connect", "errors", "member", "requirements"},
    "program": {
        "backend",
        "data",
        "draws",
        "layers",
        "losses",
        "model",
        "optimizers",
        "requirements",
        "structure",
    },
    "stack": {"data", "member", "model", "program", "requirements", "structure"},
    "callbacks": set(),
    "checkpoint": {"ledger"},
    "trainer": {"checkpoint", "data", "machine", "member"},
    "engine": {"backend", "checkpoint", "machine", "training"},
    "testing": {"checkpoint", "data", "member", "metrics", "trainer"},
    "self_test": {"backend", "config", "data", "member", "stack", "stack_run"},
    "doctor": {"backend", "data", "machine", "memory", "quiet", "self_test"},
    "stack_run": {
        "callbacks",
        "data",
        "losses",
        "member",
        "metrics",
        "model",
        "program",
        "stack",
        "trainer",
    },
    "memory": {
        "data",
        "errors",
        "machine",
        "member",
        "model",
        "optimizers",
        "program",
        "stack_run",
        "structure",
        "trainer",
    },
    "training": {
        "backend",
        "checkpoint",
        "data",
        "member",
        "memory",
        "model",
        "stack",
        "stack_run",
        "structure",
        "trainer",
    },
    "ledger": {"errors"},
    "metrics": set(),
    "stats": set(),
    "resampling": set(),
    "jackknife": set(),
    "bias_variance": {"jackknife"},
    "cross_validation": {"stats"},
    "randomness": set(),
    "sequential": {"stats"},
    "decompositions": {"bias_variance", "groups", "jackknife", "stats"},
    "extras": {
        "cross_validation",
        "decompositions",
        "groups",
        "ledger",
        "metrics",
        "randomness",
        "stats",
    },
    "findings": {"ranking", "stats", "sweep", "units"},
    "plots": set(),
    "evidence": {"ledger", "results", "stats"},
    "units": {"metrics"},
    "ranking": {"stats", "units"},
    "verdict": {"ranking", "stats", "units"},
    "strengths": {"config", "errors", "ranking", "units", "variants"},
    "comparisons": {"ledger", "metrics", "ranking", "resampling", "stats"},
    "results": {
        "comparisons",
        "config",
        "errors",
        "extras",
        "findings",
        "ledger",
        "metrics",
        "plan",
        "ranking",
        "rows",
        "stats",
        "strengths",
        "units",
        "verdict",
    },
    "groups": {"ledger"},
    "table": {"metrics", "ranking", "units"},
    "progress": {"member", "trainer", "units"},
    "plan": {"config", "member", "rows"},
    "keeper": {"checkpoint", "data", "errors", "ledger", "member", "trainer"},
    "looks": {"config", "ledger", "metrics", "sequential"},
    "claim": {"config", "data", "errors", "ledger", "machine", "study_file", "trainer"},
    "study": {
        "claim",
        "config",
        "data",
        "engine",
        "errors",
        "keeper",
        "ledger",
        "looks",
        "plan",
        "requirements",
        "results",
        "selection",
        "sequential",
        "strengths",
        "trainer",
    },
    "selection": {"data"},
    "model_card": {"metrics", "ranking", "selection", "units"},
    "exporting": {
        "config",
        "data",
        "errors",
        "ledger",
        "losses",
        "member",
        "model",
        "model_card",
        "selection",
        "serving",
        "stack",
    },
    "serving": {"errors", "quiet"},
    "inputs": {"data", "errors"},
    "prediction": {"errors", "inputs", "serving"},
    "evaluation": {"data", "errors", "metrics", "resampling", "serving", "stats"},
    "report": {
        "config",
        "data",
        "errors",
        "evidence",
        "ledger",
        "metrics",
        "plots",
        "ranking",
        "stats",
        "study_file",
        "sweep",
        "units",
    },
}


def imported(path: Path) -> set[str]:
    """Names of the project's modules that a file imports, at whatever depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [
                f"{node.module}.{a.name}" if node.module == "kmlp" else node.module
                for a in node.names
            ]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("kmlp.")}
        found |= {"tuning" for n in names if n.split(".")[0] == "tuning"}
    return found


def files_of(module: str) -> list[Path]:
    folder = ROOT / "kmlp" / module
    return list(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


@pytest.mark.parametrize("module", ALLOWED)
def test_imports_follow_the_arrows(module):
    for path in files_of(module):
        assert imported(path) - {module} <= ALLOWED[module], path


def test_every_module_has_its_arrows():
    modules = {
        p.stem
        for p in (ROOT / "kmlp").iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert modules - {"__init__", "__main__", "cli"} == set(ALLOWED)


@pytest.mark.parametrize(
    "statement",
    [
        "import kmlp, kmlp.cli",
        "from kmlp import StudyConfig, MLPConfig, TrainConfig, Dataset, load_dataset",
        "from kmlp import load_study, write_report",
    ],
)
def test_what_must_be_instant_loads_no_keras(statement):
    check = (
        f"{statement}; import sys; assert not {{'keras', 'tensorflow', 'jax'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)


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
