"""`kmlp serve`: models over HTTP."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote as in_url

from cyclopts import Parameter

from kmlp.cli.app import app
from kmlp.text import visible

if TYPE_CHECKING:
    from kmlp.serve.models import Version

_TOKEN = "KMLP_TOKEN"
_MOST_SHOWN = 3
_MOST_NAMES = 10
_MOST_COLUMNS = 60


@app.command
def serve(
    path: Path,
    /,
    *,
    host: Annotated[
        str, Parameter(help=f"where it listens; any but loopback needs {_TOKEN} to be set")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="0 takes a free one")] = 8501,
    versions: Annotated[
        int, Parameter(help="how many of the newest versions of each model are served")
    ] = 1,
) -> None:
    """Serve exported models over HTTP, as TensorFlow Serving does.

    PATH is a model's folder, one version of it, or a folder of models: all of them are served. A
    new version takes over when it lies there whole; Ctrl-C stops when all are answered. Paths and
    JSON are TensorFlow Serving's; /openapi.json lists them. Where the environment holds
    KMLP_TOKEN, requests must send it: Authorization: Bearer TOKEN.

    For example:

        kmlp serve saved_models/fashion

        curl -d '{"instances": [[[0, ...], ...]]}' localhost:8501/v1/models/fashion:predict

        curl -d '{"instances": [{"age": 31}]}' localhost:8501/v1/models/churn:predict
    """
    from kmlp.serve.folders import check_models, models_in, passed_over
    from kmlp.serve.limits import Limits
    from kmlp.serve.saved import choose_threads
    from kmlp.serve.server import check_installed
    from kmlp.serve.server import serve as run

    check_installed()
    check_models(path)
    # TensorFlow takes its time to start.
    print(f"Loading {visible(', '.join(models_in(path)))} ...", file=sys.stderr, flush=True)
    if others := passed_over(path):
        print(
            f"Not served: {visible(', '.join(others))}, of scikit-learn: for Python alone, by "
            "kmlp.load_reference",
            file=sys.stderr,
        )
    choose_threads(path)
    token = os.environ.get(_TOKEN, "")
    run(
        path,
        host=host,
        port=port,
        token=token,
        limits=Limits(),
        num_versions=versions,
        ready=partial(_tell, has_token=bool(token)),
    )


def _tell(url: str, models: "Sequence[Version]", *, has_token: bool) -> None:
    logging.getLogger("kmlp.serve").setLevel(logging.INFO)  # versions that come from now on
    names = ", ".join(f"{visible(each.name)} (version {each.number})" for each in models)
    print(f"{names} at {url} (Ctrl-C stops)\nPage:   {url}/")
    token = f' -H "Authorization: Bearer ${_TOKEN}"' * has_token
    for each in models[:_MOST_SHOWN]:
        about = each.servable.description
        request = quote(f"{url}/v1/models/{in_url(each.name)}:predict")
        example = about.get("example") or {}
        if 0 < len(example) <= _MOST_COLUMNS:
            print(f"Try:    curl{token} -d {quote(json.dumps({'instances': [example]}))} {request}")
            if blank := [name for name, cell in example.items() if _is_blank(cell)]:
                print(
                    f"        (fill in {_some(blank)}: where values are not shown the cell is "
                    "blank, which is flagged if training had no gap)"
                )
        elif about["input"] in ("image", "array"):
            print(f"Try:    {_zeros(about['shape'])} | curl{token} -d @- {request}")
        if columns := about["ranges_of"]:
            print(
                f"Flags:  out_of_range, true where training saw nothing like it, is of "
                f"{_some(columns)}"
            )
        if classes := about.get("classes"):
            told = [f"{i} is {c}" for i, c in enumerate(classes)]
            print(f"Labels: of {visible(each.name)} {_some(told)}")
    sys.stdout.flush()


def _some(words: "Sequence[str]") -> str:
    """The first ones of many, in their order."""
    return visible(", ".join([*words[:_MOST_NAMES], *["..."] * (len(words) > _MOST_NAMES)]))


def _is_blank(cell: Any) -> bool:
    cells = cell if isinstance(cell, list) else [cell]
    return any(each == "" or each != each for each in cells)  # NaN is a gap in numbers


def _zeros(shape: "Sequence[int]") -> str:
    """A command that writes a request of one example of zeros, which may be long."""
    example = "0"
    for size in reversed(shape):
        example = f"[{example}] * {size}" if size > 1 else f"[{example}]"
    return f"python3 -c 'import json; print(json.dumps({{\"instances\": [{example}]}}))'"
