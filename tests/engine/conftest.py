"""Programs are compiled as those of users, where nothing has been compiled before, and the steps of
small networks as those of large ones."""

import keras
import pytest


@pytest.fixture(scope="session", autouse=True)
def users_flags():
    from kmlp.nn import backend

    backend.set_flags()
    if keras.backend.backend() == "tensorflow":
        from kmlp.nn.backend import tensorflow

        tensorflow._LARGE = 0
