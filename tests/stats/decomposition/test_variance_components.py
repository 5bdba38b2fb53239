"""Standard deviations by stream: pooled within settings, with an interval that covers."""

import numpy as np
import pytest

from kmlp.stats.decomposition.variance_components import pooled_sd


def test_settings_do_not_count_for_what_they_differ_in():
    rng = np.random.default_rng(0)
    settings = [rng.normal(size=n) for n in (3, 4, 5)]
    shifted = [values + 100 * i for i, values in enumerate(settings)]
    found = pooled_sd(shifted)
    assert found.value == pytest.approx(pooled_sd(settings).value)
    assert (found.degrees, found.num_settings) == (9, 3)


def test_one_setting_is_the_plain_deviation():
    values = np.array([1.0, 4.0, 2.0])
    assert pooled_sd([values]).value == pytest.approx(values.std(ddof=1))


def test_the_interval_covers_in_95_of_100():
    rng, held = np.random.default_rng(0), []
    for _ in range(1000):
        low, high = pooled_sd(2 * rng.normal(size=(3, 4)) + rng.normal(size=(3, 1))).ci95
        held.append(low < 2 < high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_one_value_has_no_deviation():
    with pytest.raises(ValueError, match="or more a setting"):
        pooled_sd([np.array([1.0, 2.0]), np.array([1.0])])
