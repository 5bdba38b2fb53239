"""What a model card says of how sure the model may be, and what its outputs mean then."""

from kmlp.data.dataset import DataSpec
from kmlp.deploy.calibration.record import Calibration
from kmlp.stats.metrics.counts import METRICS_OF_COUNTS
from kmlp.text import code_span


def certainty_section(calibration: Calibration | None) -> str:
    """The section as Markdown; nothing where nothing is known."""
    if calibration is None:
        return ""
    found = [_rows(calibration), *_temperature(calibration), *_coverage(calibration)]
    found += [*_threshold(calibration), *calibration.told]
    lines = "".join(f"- {line}\n" for line in found if line)
    return f"## How sure it is\n{lines}\n"


def more_outputs(spec: DataSpec, calibration: Calibration | None, *, has_ranges: bool) -> str:
    """Outputs that not every model has, as the end of a list of them."""
    found = ""
    if calibration and calibration.coverage is not None:
        found = ", `set` (batch, classes) whether each class is in the row's set"
        if not spec.num_classes:
            found = ", `lower` and `upper` (batch,), the ends of an interval"
    if has_ranges:
        by = "(batch, columns) by raw column, in the order above" if spec.columns else "(batch,)"
        found += f", `out_of_range` {by}: what training did not see"
    return found


def _rows(c: Calibration) -> str:
    if c.rows == "none":
        return ""
    if c.rows == "reserved":
        return f"Found out on {c.num_rows:,} rows that neither training nor early stopping saw."
    repeats = f", {c.num_repeats} times" if c.num_repeats > 1 else ""
    return (
        f"Found out on {c.num_rows:,} rows, each{repeats} by networks of its own that were kept "
        "from it."
    )


def _temperature(c: Calibration) -> list[str]:
    if c.temperature is None or c.log_loss is None:
        return []
    before, after = c.log_loss
    return [
        f"`probabilities` are softmax(logits / {c.temperature:.4g}): on these rows the log loss "
        f"goes from {before:.4f} to {after:.4f} nats. `logits` are the network's own."
    ]


def _coverage(c: Calibration) -> list[str]:
    if c.coverage is None:
        return []
    if c.half_width is not None:
        what = f"Intervals: the prediction plus and minus {c.half_width:.6g}"
    else:
        what = f"Sets: the classes whose own probability is at least {c.least_probability:.4g}"
    share = f"{100 * c.coverage:g} %"
    if c.coverage95 is None:
        return [f"{what}. About {share} of new rows like these hold the truth."]
    low, high = (f"{100 * end:.1f}" for end in c.coverage95)
    return [
        f"{what} (split conformal). Of new rows like these at least {share} hold the truth, on "
        f"average over draws of the calibration rows; with this draw {low} to {high} % (95 %)."
    ]


def _threshold(c: Calibration) -> list[str]:
    if c.threshold is None:
        return []
    said = f"`label` is {code_span(c.positive)} from a probability of {c.threshold:.4g} on"
    if c.value is None or c.at_half is None:
        return [f"{said}, as was asked."]
    name = (
        c.chosen_for
        if c.chosen_for in METRICS_OF_COUNTS
        else f"mean cost of a row ({c.chosen_for})"
    )
    return [
        f"{said}, chosen for the {name} on these rows: {c.value:.4g} there, {c.at_half:.4g} at "
        "one half. On other rows expect a little less of it. The test scores above are of one half."
    ]
