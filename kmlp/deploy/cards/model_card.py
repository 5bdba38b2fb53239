"""The page that lies beside an exported model and says what it is and what to expect of it."""

from kmlp.deploy.calibration.record import Calibration
from kmlp.deploy.cards.certainty import certainty_section, more_outputs
from kmlp.deploy.cards.columns import columns_section
from kmlp.deploy.folders.belonging import run_name
from kmlp.stats.formatting import unit_of
from kmlp.stats.monitoring import metrics_on_card
from kmlp.study.results.records.base import full_label
from kmlp.study.selection import Selection
from kmlp.text import code_span


def model_card(
    selection: Selection, *, hide_values: bool = False, calibration: Calibration | None = None
) -> str:
    """The page as Markdown.

    Args:
        selection: what is exported.
        hide_values: whether what stood in a table's cells is left out.
        calibration: how sure the model may be, where that was found out.
    """
    schema = selection.schema
    columns = f"## Columns\n{columns_section(schema, hide_values=hide_values)}" if schema else ""
    variant, dataset = selection.variant, selection.dataset
    count = len(selection.members)
    what = f"An ensemble of {count} networks" if count > 1 else "One network"
    what = f"{what} of the {variant['num_members']} that were trained of this variant"
    if selection.refit:
        what = f"One network of this variant, trained once more on all {_all_rows(selection)} rows"
    return (
        f"# {code_span(variant['name'])} on {code_span(dataset['name'])}\n"
        f"{what}: multilayer perceptrons for a {selection.spec.task} task, made with kmlp.\n\n"
        f"## What to expect\n{_expectation(selection)}\n"
        f"{_of_what(selection)} They say nothing of other inputs.\n\n"
        f"{certainty_section(calibration)}"
        f"{columns}## Use\n{_use(selection, calibration)}\n"
        f"## Training\n{_training(selection)}"
    )


def _of_what(selection: Selection) -> str:
    """What the expected scores are of."""
    if selection.refit:
        what = "cross-validation" if selection.basis == "folds" else "the test set"
        return (
            f"These numbers are of the study's networks, by {what} of the data below. This one has "
            "trained on all of these rows, those that validated and tested the others included: no "
            "row was left to test it, and it has no score of its own."
        )
    if selection.basis == "folds":
        return (
            "These numbers are of cross-validation on the data below: of networks of their own, "
            "each scored on the fold that it was kept from. This model has trained and validated "
            "on all rows, and none was left to test it."
        )
    return "These numbers are of the test set of the data below."


def _expectation(selection: Selection) -> str:
    """What the study found of the variant, as a list."""
    variant, task = selection.variant, selection.spec.task
    lines = []
    first, *others = metrics_on_card(task, selection.metric)
    for metric in (first, *others):
        if metric not in variant["test"]:  # an AUC, where a fold holds one class only
            continue
        found = variant["test"][metric]
        unit = unit_of(metric, [found["mean"]])
        interval = "one seed: no interval"
        if found["ci95"]:
            interval = f"95 % interval {unit.interval(found['ci95'])}"
            rows = variant.get("test_ci95_seeds_and_rows") if metric == selection.metric else None
            if rows:
                interval += f" over seeds, {unit.interval(rows)} over seeds and test rows"
        if selection.basis == "folds":
            title = f"Cross-validated {unit.title}, mean over folds"
        else:
            title = f"Test {unit.title}, mean of {variant['num_members']} seeds"
        lines.append(f"- {title}: {unit.with_unit(found['mean'])} ({interval}).")
    if selection.basis == "folds" or selection.refit:
        return "\n".join(lines) + "\n"
    if len(selection.members) == 1:
        lines.append("- One network's own test score is not what to expect of it; the mean is.")
    elif len(selection.members) == variant["num_members"]:
        score = variant["ensemble"][first]
        unit = unit_of(first, [score])
        lines.append(f"- Test {unit.title} of this ensemble: {unit.with_unit(score)}.")
    return "\n".join(lines) + "\n"


def _use(selection: Selection, calibration: Calibration | None) -> str:
    """What goes in and what comes out, as a list."""
    spec, is_ensemble = selection.spec, len(selection.members) > 1
    if spec.task == "regression":
        outputs = "`prediction` (batch,) in the target's own unit"
        outputs += ", `stddev` (batch,) over the members" if is_ensemble else ""
    else:
        outputs = "`probabilities` (batch, classes), `label` (batch,)"
        outputs += (
            ", `stddev` (batch, classes) over the members, `entropy` (batch,) in nats"
            if is_ensemble
            else ""
        )
    outputs += more_outputs(spec, calibration, has_ranges=spec.has_ranges)
    if spec.task != "regression":
        outputs += "; of `logits`: `logits` (batch, classes)"
    classes = (
        f"- Classes: {', '.join(map(code_span, spec.class_names))}.\n" if spec.class_names else ""
    )
    if selection.schema:
        inputs = (
            "- Inputs of `serving_default` and `logits`: the columns above, (batch,) each; of "
            "`encoded`: `inputs` float32, the encoded matrix.\n"
        )
        how = (
            "- `kmlp.load_saved(folder).predict(frame)`, `kmlp predict folder new.csv`, "
            "`kmlp evaluate folder labelled.csv`, TensorFlow Serving, or TensorFlow alone.\n"
        )
    else:
        inputs = (
            f"- Input `inputs`: {spec.raw_dtype} (batch, {', '.join(map(str, spec.input_shape))}), "
            "raw; scaling is inside.\n"
        )
        how = (
            "- `kmlp.load_saved(folder).predict(x)`, `kmlp predict folder files`, TensorFlow "
            'Serving, or `tf.saved_model.load(folder).signatures["serving_default"](inputs=x)`.\n'
        )
    return f"{inputs}- Outputs of `serving_default`: {outputs}.\n{classes}{how}"


def _training(selection: Selection) -> str:
    """The data, the settings and the versions, as a list."""
    dataset, config = selection.dataset, selection.variant["config"]
    name = full_label(selection.variant["name"], selection.variant["strength"])
    environment = selection.environment
    num_test = f"{dataset['num_test']:,}" if dataset["num_test"] else "no"
    seeds = [str(m["seed"]) for m in selection.members]
    refit = _of_refit(selection) if selection.refit else ""
    units = ", ".join(map(str, config["model"]["hidden_units"])) or "none"
    versions = ", ".join(f"{name} {v}" for name, v in environment["packages"].items() if v)
    return (
        f"- Run: {code_span(run_name(selection.run_dir))}.\n"
        f"- Data: {code_span(dataset['name'])} ({dataset['source']}, "
        f"hash of the data as used {dataset['sha256'][:12]}), "
        f"{dataset['num_train']:,} training, {dataset['num_val']:,} validation and "
        f"{num_test} test rows.\n"
        f"- Variant: {code_span(name)}; hidden units {units}; "
        f"{config['train']['optimizer']}, learning rate {config['train']['learning_rate']:g}, "
        f"batches of {config['train']['batch_size']}. All settings are in `manifest.json`.\n"
        f"{refit}- Seed{'s' * (len(seeds) > 1)}: {', '.join(seeds)}.\n"
        f"- Versions: {versions}, Python {environment['python']}.\n"
    )


def _all_rows(selection: Selection) -> str:
    return f"{selection.refit['num_rows']:,}" if selection.refit else ""


def _of_refit(selection: Selection) -> str:
    """How long a network trained that nothing stopped, as an item of a list."""
    assert selection.refit
    epochs, best = selection.refit["epochs"], selection.refit["best_epochs"]
    said = f"the best epochs of {len(best)} networks, {min(best)} to {max(best)}, on the mean"
    if len(best) == 1:
        said = "the best epoch of the one network that was trained"
    return (
        f"- Trained once more on all {_all_rows(selection)} rows, training, validation and test, "
        f"for {epochs} epochs ({said}), without early stopping.\n"
    )
