"""Models without TensorFlow, and a server round them without a network."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from kmlp.errors import DataError
from kmlp.serve.folders import models_in
from kmlp.serve.http.app import make_app
from kmlp.serve.http.metrics import Metrics
from kmlp.serve.limits import Limits
from kmlp.serve.models import ServedModels
from kmlp.serve.servable import FilePredictions, Signature, Tensor

IMAGES = Signature((Tensor("inputs", "uint8", (2, 2)),), (Tensor("label", "int32"),))
TABLE = Signature(
    (
        Tensor("age", "float64", kind="number", columns=("age",)),
        Tensor("Home_town", "string", kind="category", columns=("Home town",)),
        Tensor("pays", "string", kind="boolean", columns=("pays",)),
    ),
    (Tensor("prediction", "float64"), Tensor("stddev", "float64")),
)
WIDE = Signature(
    (Tensor("numbers", "float64", (2,), "number", ("a", "b")),), (Tensor("prediction", "float64"),)
)


class StandIn:
    """Adds up each row's numbers; a town called Nowhere is refused, and with it the batch."""

    def __init__(self, signature: Signature = IMAGES, version: int = 1) -> None:
        self.signatures = {"serving_default": signature}
        self.signature_def = {"serving_default": {"method_name": "tensorflow/serving/predict"}}
        self.description = {"input": "image", "version": version}
        self.batches: list[int] = []
        self.wait: Callable[[], Any] = lambda: None

    def checked(self, signature, inputs):
        return inputs

    def predict(self, signature, inputs):
        self.batches.append(len(next(iter(inputs.values()))))
        self.wait()
        if b"Nowhere" in inputs.get("Home_town", ()):
            raise DataError("column Home town: a cell is nowhere")
        with np.errstate(over="ignore"):
            sums = sum(
                np.nansum(x.reshape(len(x), -1), axis=1)
                for x in inputs.values()
                if x.dtype != object
            )
        outputs = self.signatures[signature].outputs
        return {each.name: sums.astype(each.dtype) for each in outputs}

    def predict_file(self, path: Path) -> FilePredictions:
        if not (text := path.read_text()).startswith("age"):
            raise DataError(f"{path} lacks the column 'age'")
        rows = text.splitlines()[1:]
        return FilePredictions("\n".join(["prediction", *rows]), ["look"], len(rows))


def write_version(models: Path, name: str, number: int) -> Path:
    """A folder that looks like a version."""
    folder = models / name / str(number)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder


def asking(
    models: Path,
    load: Callable[[Path], Any],
    ask: Callable[[httpx.AsyncClient, ServedModels], Awaitable[Any]],
    *,
    limits: Limits | None = None,
    num_versions: int = 1,
    token: str = "",
) -> Any:
    """What `ask` gives, of a client of a server of these models."""

    async def run() -> Any:
        allowed, metrics = limits or Limits(), Metrics()
        with ThreadPoolExecutor(2) as executor:
            served = ServedModels(
                lambda: models_in(models),
                load,
                executor,
                limits=allowed,
                num_versions=num_versions,
                told=metrics.count_batch,
            )
            await served.refresh()
            app = make_app(served, limits=allowed, metrics=metrics, token=token)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                return await ask(client, served)

    return asyncio.run(run())
