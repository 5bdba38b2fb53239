"""`kmlp rescore`: a run folder judged by another metric."""

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, print_json
from kmlp.cli.report import print_study
from kmlp.errors import ConfigError
from kmlp.text import shown

if TYPE_CHECKING:
    from kmlp.stats.metrics.own import Metric


@app.command
def rescore(
    run_dir: Path,
    /,
    *,
    metric: Annotated[
        str,
        Parameter(
            help="what decides from now on: auto, a metric that kmlp study --metric takes, or one "
            "of your own, FILE.py:NAME, a kmlp.Metric in a Python file that you trust: it is run"
        ),
    ],
    json: Json = False,
) -> None:
    """Judge a study by another metric, without training; its best, verdict and report follow.

    For example:

        kmlp rescore runs/a --metric balanced_accuracy
        kmlp rescore runs/a --metric costs.py:profit
    """
    from kmlp.study.judging.rescore import rescore as judged

    study = judged(run_dir, find_metric(metric))
    if json:
        print_json(study.results)
    else:
        print_study(study)


def find_metric(said: str) -> "str | Metric":
    """A metric's name, or the one of the user's own that a Python file holds.

    Raises:
        ConfigError: no such file, or nothing of that name that is a metric.
    """
    from kmlp.stats.metrics.own import Metric

    place, colon, name = said.rpartition(":")
    if not (colon and place.endswith(".py")):
        return said
    if not Path(place).is_file():
        raise ConfigError(f"--metric {said}: no file {shown(place)}.")
    try:
        found = runpy.run_path(place).get(name)
    except Exception as error:
        raise ConfigError(
            f"--metric {said}: running {place} fails: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(found, Metric):
        raise ConfigError(
            f"--metric {said}: {name} must be a kmlp.Metric there. Received: {shown(found)}. Write "
            f'{name} = kmlp.Metric("{name}", FUNCTION, higher_is_better=True).'
        )
    return found
