"""What is said of bias and variance follows from the corrected intervals."""

import pytest

from kmlp.report.paper.discussion import Trade, discussion, trade_of
from tests.hand_made import hand_made


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Dropout's networks disagree less on samples of the rows; L2's as the baseline's."""
    more = {"resample": "splits:5", "resample_seeds": 2}
    return hand_made(tmp_path_factory.mktemp("made"), "multiclass", 8, **more).record


def with_ratios(results, variance, bias):
    """The results with other intervals of dropout's corrected ratios."""

    def changed(entry):
        if entry.variant != "dropout":
            return entry
        told = entry.versus_baseline.squared_error
        both = {
            name: getattr(told, name).model_copy(update={"ci95_corrected": bounds})
            for name, bounds in (("variance_ratio", variance), ("bias_ratio", bias))
        }
        versus = entry.versus_baseline.model_copy(
            update={"squared_error": told.model_copy(update=both)}
        )
        return entry.model_copy(update={"versus_baseline": versus})

    found = tuple(map(changed, results.bias_variance))
    return results.model_copy(update={"bias_variance": found})


def entry_of(results, variant):
    return next(e for e in results.bias_variance if e.variant == variant)


@pytest.mark.long
@pytest.mark.parametrize(
    ("variance", "bias", "said"),
    [
        (
            (0.5, 0.8),
            (0.9, 1.1),
            "dropout lowers variance, and its bias cannot be told from that of no regularization",
        ),
        ((0.5, 0.8), (1.1, 1.3), "dropout buys less variance with more bias"),
        ((0.5, 0.8), (0.7, 0.9), "dropout lowers both"),
        ((1.2, 1.8), (0.7, 0.9), "dropout buys less bias with more variance"),
        ((1.2, 1.8), (0.9, 1.1), "dropout raises variance, and its bias cannot be told"),
        (
            (0.9, 1.8),
            (0.9, 1.1),
            "Of dropout and l2 neither can be told from that of no ",
        ),
    ],
)
def test_each_way_of_trading_has_a_sentence(results, variance, bias, said):
    assert said in " ".join(discussion(with_ratios(results, variance, bias)))


def test_what_changes_is_told_in_shares_of_the_baselines_error(results):
    ours, theirs = entry_of(results, "dropout"), entry_of(results, "none")
    trade = trade_of(ours, theirs, results)
    whole = theirs.squared_error.risk.value
    change = ours.squared_error.variance.value - theirs.squared_error.variance.value
    assert isinstance(trade, Trade)
    assert trade.variance_points == pytest.approx(100 * change / whole)
    together = 100 * (ours.squared_error.risk.value - whole) / whole
    assert trade.bias_points + trade.variance_points == pytest.approx(together)


def test_the_room_for_less_variance_is_the_baselines_share_of_it(results):
    parts = entry_of(results, "none").squared_error
    share = 100 * parts.variance.value / parts.risk.value
    assert f"variance is {share:.0f} % of the squared error of no reg" in discussion(results)[0]


def test_an_association_is_not_called_a_cause(results):
    last = discussion(with_ratios(results, (0.5, 0.8), (0.9, 1.1)))[-1]
    assert "dropout comes with less variance" in last
    assert "no proof of a cause" in last


def test_without_a_decomposition_there_is_nothing_to_discuss(results):
    assert discussion(results.model_copy(update={"bias_variance": ()})) == []
