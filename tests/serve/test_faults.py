"""A server of real models goes on answering, whatever becomes of the files on the disk."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import kmlp
from kmlp.serve.saved import load_servable
from tests.command_line import ENVIRONMENT
from tests.serve.stand_in import asking

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.process]

X = np.random.default_rng(0).integers(0, 256, (60, 4, 4), np.uint8)
Y = np.arange(60) % 3
# The process kills itself where it matters most: before anything of the graph is whole, before the
# manifest, and when all is written but the version has no name yet.
EXPORT = """
import os, signal, sys
import tensorflow as tf
import kmlp, kmlp.deploy.exporting as exporting
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
run, model, moment = sys.argv[1:]
study = kmlp.load_study(run)
if moment == "graph":
    from tensorflow.python.lib.io import file_io
    file_io.atomic_write_string_to_file = die
elif moment == "manifest":
    exporting._manifest = die
elif moment == "name":
    os.rename = die
kmlp.export(study.best(), model)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    config = kmlp.StudyConfig(
        dataset="arrays",
        variants=("none",),
        num_seeds=1,
        model=kmlp.MLPConfig(hidden_units=(4,)),
        train=kmlp.TrainConfig(max_epochs=1),
    )
    data = kmlp.Dataset.from_arrays(X[:45], Y[:45], X[45:], Y[45:])
    return kmlp.run_study(config, tmp_path_factory.mktemp("study") / "run", data)


def test_the_old_version_answers_through_kills_damage_and_removal(study, tmp_path):
    model = tmp_path / "models" / "digits"
    wanted = kmlp.load_saved(kmlp.export(study.best(), model)).predict(X[:2])

    async def answers(client):
        said = {"instances": X[:2].tolist()}
        answer = await client.post("/v1/models/digits:predict", json=said)
        assert answer.status_code == 200, answer.text
        found = [row["probabilities"] for row in answer.json()["predictions"]]
        np.testing.assert_allclose(found, wanted, atol=1e-6)

    async def ask(client, served):
        await answers(client)
        for moment in ("graph", "manifest", "name"):
            done = subprocess.run(
                [sys.executable, "-c", EXPORT, study.run_dir, model, moment],
                capture_output=True,
                text=True,
                env={**os.environ, **ENVIRONMENT},
            )
            assert done.returncode == -9, done.stderr
            await served.refresh()
            assert served.version("digits").number == 1
            await answers(client)
        assert len(list(model.glob(".writing-*"))) == 3

        damaged = shutil.copytree(model / "1", model / "2")
        with open(damaged / "variables" / "variables.data-00000-of-00001", "r+b") as file:
            file.write(b"\xff")
        await served.refresh()
        assert served.version("digits").number == 1
        (status, *_) = served.statuses("digits")
        assert status["status"]["error_code"] == "DATA_LOSS"
        assert "is damaged" in status["status"]["error_message"]
        await answers(client)

        shutil.rmtree(model / "1" / "variables")
        await served.refresh()
        await answers(client)
        shutil.rmtree(model)
        await served.refresh()
        await answers(client)

        assert kmlp.export(study.best(), model).name == "1"
        await served.refresh()
        assert served.version("digits").state == "AVAILABLE"
        await answers(client)

    asking(tmp_path / "models", load_servable, ask)
