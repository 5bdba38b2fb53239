"""Latency of an exported model beside Keras's `predict`, medians in one run.

    python benchmarks/serving.py RUN

RUN is a finished run folder of Fashion-MNIST or MNIST; its best member and its best variant's
ensemble are exported to a temporary folder.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import kmlp
from kmlp.deploy.exporting import load_models


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Median milliseconds of a call, after one to warm up."""
    call()
    spent = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        spent.append(1000 * (time.perf_counter() - started))
    return statistics.median(spent)


def main(run_dir: str) -> None:
    study = kmlp.load_study(run_dir)
    (keras_model,) = load_models(study.best())
    images = kmlp.load_dataset(study.config.dataset).x_test
    many = np.tile(images, (60_000 // len(images) + 1, 1, 1))[:60_000]
    with tempfile.TemporaryDirectory() as folder:
        one = kmlp.load_saved(kmlp.export(study.best(), f"{folder}/one"))
        ensemble = kmlp.load_saved(kmlp.export(study.ensemble(), f"{folder}/ensemble"))
        rows = [
            ("one image, load_saved", lambda: one.predict(images[:1]), 500),
            ("one image, ensemble", lambda: ensemble.predict(images[:1]), 500),
            ("one image, Keras predict", lambda: keras_model.predict(images[:1], verbose=0), 30),
            ("60,000 images, load_saved", lambda: one.predict(many), 5),
            ("60,000 images, Keras predict", lambda: keras_model.predict(many, verbose=0), 3),
        ]
        times = {name: median_ms(call, repeats) for name, call, repeats in rows}
    for name, spent in times.items():
        print(f"{name:30} {spent:10.3f} ms")
    members = len(study.ensemble().members)
    ratio = times["one image, ensemble"] / times["one image, load_saved"]
    print(f"ensemble of {members} / one member: {ratio:.2f}")


if __name__ == "__main__":
    main(sys.argv[1])
