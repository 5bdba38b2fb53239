"""The first line answers the question, with what the tests say and no more."""

import pytest

from kmlp.study.results.answer import answer
from tests.hand_made import hand_made
from tests.made_results import numbers, versus_of  # noqa: F401
from tests.study.results.test_verdict import BETTER, SAME, WORSE, results, variant, versus
