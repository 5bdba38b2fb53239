"""What a search found, in sentences."""

from tests.made_results import numbers
from tests.made_search import made_search, with_follow_up
from tests.study.results.test_answer import best_of
from tests.study.results.test_verdict import BETTER
from tuning.results.verdict import verdict


def test_what_a_searchs_interval_covers_is_said(tmp_path):
    """An interval over seeds alone is read as what other rows would do, too."""
    results = with_follow_up(made_search(tmp_path, 12))
    first = results.verdict[1]
    assert first.endswith(f"{results.unit.value(results.best_trial.se)} over 3 seeds).")
    told = next(sentence for sentence in results.verdict if sentence.startswith("Expect "))
    assert told == (
        "Expect 88.10 % accuracy of it on the test set (95 % interval 88.00 to 88.20 over 10 seeds "
        "on these test rows; other rows would differ by more)."
    )
    both = {"test_ci95_seeds_and_rows": [0.87, 0.891]}
    name = f"trial {results.picked}"
    best = {"best": {"variant": name, "member": "0" * 16, "seed": 0}}
    study = numbers(best_of({**BETTER, **both, "name": name}) | best)
    (told,) = [one for one in verdict(results, study) if one.startswith("Expect ")]
    assert told.endswith("88.00 to 88.20 over 10 seeds, 87.00 to 89.10 over seeds and test rows).")
