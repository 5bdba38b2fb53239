"""Which MLP, which regularizer, and how sure are you?

The public names are imported when they are first used, so that ``import kmlp`` and
``kmlp --help`` stay instant: TensorFlow is loaded only by what trains.
"""

from typing import Any

from kmlp.machine import import_quietly

_HOME = {
    "KmlpError": "kmlp.errors",
    "MLPConfig": "kmlp.config",
    "TrainConfig": "kmlp.config",
    "StudyConfig": "kmlp.config",
    "DataConfig": "kmlp.config",
    "Dataset": "kmlp.data",
    "DataSpec": "kmlp.data",
    "load_dataset": "kmlp.data",
    "build_mlp": "kmlp.nn.mlp",
    "adapt": "kmlp.nn.mlp",
    "DropConnectDense": "kmlp.nn.drop_connect",
    "GradientNoise": "kmlp.nn.steps.gradient_noise",
    "Member": "kmlp.engine.member",
    "Seeds": "kmlp.config.seeds",
    "Sample": "kmlp.data.sampling",
    "build_stack": "kmlp.engine.stack",
    "extract_member": "kmlp.engine.stack",
    "fit_stack": "kmlp.engine.scheduler",
    "run_study": "kmlp.study.study",
    "load_study": "kmlp.study.loading",
    "Metric": "kmlp.stats.metrics.own",
    "rescore": "kmlp.study.judging.rescore",
    "read_studies": "kmlp.config.study_file",
    "write_report": "kmlp.report",
    "write_comparison": "kmlp.report",
    "write_tensorboard": "kmlp.study.tensorboard",
    "TitlePage": "kmlp.report.paper.document",
    "Selection": "kmlp.study.selection",
    "export": "kmlp.deploy.exporting",
    "load_saved": "kmlp.deploy.serving",
    "export_reference": "kmlp.deploy.references.exporting",
    "load_reference": "kmlp.deploy.references.loading",
    "evaluate": "kmlp.deploy.evaluation",
    "StudyProgress": "kmlp.study.progress",
    "compare": "kmlp.scores.comparison",
    "Comparison": "kmlp.scores.comparison",
    "write_scores_report": "kmlp.report",
    "tune": "tuning.search.search",
    "MLPHyperModel": "tuning.space.hypermodel",
}
__all__ = list(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kmlp' has no attribute {name!r}")
    return getattr(import_quietly(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
