"""Real exports behind the server give what `load_saved` gives."""

import numpy as np
import pytest

import kmlp
from kmlp.serve.saved import load_servable
from tests.deploy.made_table import rows, write_csv
from tests.serve.stand_in import asking

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A table's ensemble."""
    folder = tmp_path_factory.mktemp("models")
    path = write_csv(folder / "table.csv", rows(300))
    data = kmlp.Dataset.from_table(path, target="status", test=0.2)
    config = kmlp.StudyConfig(
        dataset="churn",
        variants=("none",),
        num_seeds=2,
        model=kmlp.MLPConfig(hidden_units=(8,)),
        train=kmlp.TrainConfig(max_epochs=2),
    )
    study = kmlp.run_study(config, folder / "run", data)
    kmlp.export(study.ensemble(), folder / "models" / "churn")
    return folder / "models"


@pytest.mark.slow
def test_rows_of_a_table_are_predicted_as_load_saved_does(models):
    model = kmlp.load_saved(models / "churn")
    table = rows(5, seed=1)
    names = {name: [row[name] or None for row in table] for name in table[0]}
    given = {name: names[name] for name in model.schema.inputs}
    for name, kind in model.schema.inputs.items():
        if kind == "number":
            given[name] = [None if cell is None else float(cell) for cell in given[name]]

    async def ask(client, served):
        by_name = await client.post("/v1/models/churn:predict", json={"inputs": given})
        instances = [
            dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)
        ]
        by_row = await client.post("/v1/models/churn:predict", json={"instances": instances})
        bad = {**instances[0], "since": "yesterday"}
        refused = await client.post("/v1/models/churn:predict", json={"instances": [bad]})
        said = {"signature_name": "logits", "inputs": given}
        logits = await client.post("/v1/models/churn:predict", json=said)
        metadata = (await client.get("/v1/models/churn/metadata")).json()
        example = metadata["metadata"]["kmlp"]["example"]
        made_up = await client.post("/v1/models/churn:predict", json={"instances": [example]})
        assert made_up.status_code == 200, made_up.text
        return by_name.json(), by_row.json(), refused, logits.json(), metadata

    by_name, by_row, refused, logits, metadata = asking(models, load_servable, ask)
    expected = model.outputs(given)
    assert by_name["outputs"].keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(by_name["outputs"][name], values, atol=1e-6)
        np.testing.assert_allclose([r[name] for r in by_row["predictions"]], values, atol=1e-6)
    shares = np.exp(logits["outputs"])
    np.testing.assert_allclose(shares, expected["probabilities"], atol=1e-5)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("column since: a cell is no date")
    assert refused.json()["error"].endswith(": yesterday")
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["age"]["dtype"] == "DT_DOUBLE"
    assert signature["inputs"]["age"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]
    assert signature["method_name"] == "tensorflow/serving/predict"
