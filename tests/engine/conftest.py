"""Programs are compiled as those of users, where nothing has been compiled before."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def users_flags():
    from kmlp.nn import backend

    backend.set_flags()
