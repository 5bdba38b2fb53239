"""The hypermodel works in KerasTuner's own tuners."""

import numpy as np
import pytest


# KerasTuner 1.4.8 loads weights into a model whose optimizer is not built yet, and Keras says so.
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_stock_random_search_finds_and_loads_its_best_model(tiny, tmp_path):
    import keras_tuner

    from tuning import MLPHyperModel

    tuner = keras_tuner.RandomSearch(
        MLPHyperModel(tiny.spec),
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_trials=2,
        seed=1,
        directory=tmp_path,
        project_name="search",
    )
    tuner.search(tiny.x_train, tiny.y_train, validation_split=0.2, epochs=2, verbose=0)
    trials = tuner.oracle.get_best_trials(2)
    chosen = [t.hyperparameters.values for t in trials]
    assert chosen[0] != chosen[1]
    model = tuner.get_best_models(1)[0]
    assert model.get_layer("hidden_1").units == chosen[0]["units_1"]
    accuracy = (model.predict(tiny.x_test, verbose=0).argmax(1) == tiny.y_test).mean()
    assert accuracy > 0.5
    assert np.isfinite([t.score for t in trials]).all()
