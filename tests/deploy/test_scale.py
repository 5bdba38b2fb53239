"""What a model is given as its training rows were not: rescaled, taken as missing, or refused."""

import numpy as np
import pytest
from PIL import Image

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.deploy.exporting import export
from kmlp.deploy.inputs import read_inputs
from kmlp.deploy.serving import load_saved
from kmlp.errors import DataError
from kmlp.study.study import run_study

pytestmark = pytest.mark.engine

rng = np.random.default_rng(0)
Y = np.arange(120) % 2
BYTES = (
    rng.integers(0, 100, (120, 4, 4), dtype=np.uint8) + (Y * 150).astype(np.uint8)[:, None, None]
)
UNIT = BYTES / np.float32(BYTES.max())
CONFIG = StudyConfig(
    dataset="images",
    variants=("none",),
    num_seeds=1,
    model=MLPConfig(hidden_units=(8,)),
    train=TrainConfig(max_epochs=10, batch_size=16, learning_rate=0.01),
)


def test_the_training_range_travels_with_the_model(tmp_path, caplog):
    data = Dataset.from_arrays(UNIT[:90], Y[:90], UNIT[90:], Y[90:])
    study = run_study(CONFIG, tmp_path / "run", data)
    model = load_saved(export(study.best(), tmp_path / "model"))
    caplog.clear()
    wanted = model.predict(BYTES / np.float32(255))
    assert caplog.messages == []
    with pytest.raises(DataError, match=r"inputs hold values from 0 to 249; .* such as x / 255"):
        model.predict(BYTES.astype(np.float32))
    np.testing.assert_array_equal(model.predict(BYTES), wanted)
    (tmp_path / "photos").mkdir()
    for i in range(3):
        Image.fromarray(BYTES[i]).save(tmp_path / "photos" / f"{i}.png")
    (batch,) = read_inputs(tmp_path / "photos", model.input_shape)
    # Fewer rows at once: products may be added up in another order.
    np.testing.assert_allclose(model.predict(batch.x), wanted[:3], rtol=1e-6)
    assert [m[:45] for m in caplog.messages] == [
        "inputs are pixels from 0 to 255 and were divi"
    ] * 2


@pytest.mark.slow
def test_masked_cells_are_missing_to_a_model_that_knows_gaps(tmp_path):
    x = np.ma.masked_array(rng.normal(size=(120, 3)), rng.random((120, 3)) < 0.2)
    x.data[x.mask] = -9999
    data = Dataset.from_arrays(x[:90], Y[:90], x[90:], Y[90:])
    study = run_study(CONFIG, tmp_path / "run", data)
    model = load_saved(export(study.best(), tmp_path / "model"))
    np.testing.assert_array_equal(model.predict(x[90:]), model.predict(x[90:].filled(np.nan)))
    whole = Dataset.from_arrays(x[:90].filled(0), Y[:90], x[90:].filled(0), Y[90:])
    study = run_study(CONFIG, tmp_path / "whole", whole)
    with pytest.raises(DataError, match=r"inputs hold \d+ masked values\. Fill them"):
        load_saved(export(study.best(), tmp_path / "model")).predict(x[90:])
