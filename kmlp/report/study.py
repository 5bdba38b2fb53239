"""The report of one study, block by block."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from kmlp.report.blocks import Block, Bullets, Code, Report, Section, Text, facts_table
from kmlp.report.columns import data_section
from kmlp.report.images import find_test_images
from kmlp.report.limits import limits
from kmlp.report.sections import (
    comparisons,
    cost,
    decompositions,
    folds,
    interim,
    pilot,
    predictions,
    ranking,
    scores,
    seed_streams,
    sweeps,
    training,
)
from kmlp.report.sections.setting import best_section, setting_section
from kmlp.stats.formatting import p_equals, unit_in
from kmlp.stats.monitoring import plain_loss_name
from kmlp.study.provenance import stored_environment
from kmlp.study.results.networks import TrainedNetworks, read_networks
from kmlp.study.run_folder import RunFolder

NUM_SENTENCES = 3
"""How many of a verdict's sentences are its outcome; the others qualify it."""


def study_report(
    folder: RunFolder, results: Mapping[str, Any], num_missing: int = 0
) -> tuple[Report, TrainedNetworks]:
    """What the report of a run folder says, and the networks that it rests on.

    Args:
        folder: where the networks' arrays lie.
        results: made from it, as `Study.results`.
        num_missing: how many networks have no result yet.

    Raises:
        RunFolderError: damaged arrays, or files that were changed.
    """
    environment = stored_environment(folder)
    networks = read_networks(folder, results)
    report = Report(
        kicker="Regularization study",
        title=f"Which regularizer helps on {results['dataset']['name']}?",
        facts=_facts(results),
        verdict=results["verdict"][:NUM_SENTENCES],
        also=[*_missing(num_missing), *results["verdict"][NUM_SENTENCES:]],
        lead=_lead(results) if networks.best else (),
        sections=[
            *(_findings(results, networks, environment) if networks.best else ()),
            Section("limits", "Limits", [Bullets(limits(results))]),
            _again(folder, results, environment),
        ],
    )
    return report, networks


def _missing(number: int) -> list[str]:
    """That a study is not finished."""
    if not number:
        return []
    networks = "1 network is" if number == 1 else f"{number} networks are"
    return [
        f"{networks} not trained yet: this is what is known so far. The same command goes on, and "
        "writes this report anew."
    ]


def reproduce_command(results: Mapping[str, Any]) -> str:
    """The command, or the lines of Python, that make this study again from its own study file."""
    again = f"runs/{results['dataset']['name']}-again"
    if results["dataset"]["source"] == "arrays":
        return (
            "data = kmlp.Dataset.from_arrays(x_train, y_train, x_test, y_test)\n"
            'config = kmlp.StudyConfig.from_toml(open("study.toml").read())\n'
            f"kmlp.run_study(config, {json.dumps(again, ensure_ascii=False)}, data)"
        )
    # It is there to be pasted into a shell, whatever the data set is called.
    return f"kmlp study study.toml --out {shlex.quote(again)}"


def _facts(results: Mapping[str, Any]) -> str:
    dataset = results["dataset"]
    return (
        f"{len(results['members'])} networks, {len(results['variants'])} variants · "
        f"{dataset['num_train']:,} training, {dataset['num_val']:,} validation, "
        f"{dataset['num_test']:,} test rows · data: {dataset['name']}, {dataset['source']}"
    )


def _lead(results: Mapping[str, Any]) -> list[Block]:
    first = comparisons.differences(results)
    return [first] if first else []


def _findings(
    results: Mapping[str, Any], networks: TrainedNetworks, environment: Mapping[str, Any]
) -> list[Section]:
    is_regression = results["dataset"]["task"] == "regression"
    comparisons = _comparisons(results)
    best, promised = best_section(results), scores.promises(results)
    data = data_section(environment)
    sections = [
        setting_section(results),
        *([data] if data else ()),
        Section("ranking", _ranking_title(results), [ranking.ranking(results)]),
        *([best] if best else ()),
        Section("seeds", "Every seed", [scores.scores(results)]),
        *([Section("comparisons", "Every comparison", comparisons)] if comparisons else ()),
        *([Section("promises", "What validation promised", [promised])] if promised else ()),
        *_beyond(results),
        *_training(results, networks, is_regression),
    ]
    if is_regression:
        sections.append(predictions.residuals_section(results, networks))
    else:
        images = find_test_images(environment)
        sections.append(predictions.errors_section(results, networks, images))
        sections.append(predictions.trust_section(networks))
    others = scores.other_scores(results)
    if others:
        sections.append(Section("others", "Other scores on the test set", [others]))
    if tried := pilot.pilot(results):
        sections.append(Section("pilot", "How the strengths were chosen", [tried]))
    return [*sections, Section("cost", "What it costs", [cost.cost(results, networks)])]


def _beyond(results: Mapping[str, Any]) -> list[Section]:
    """What more than the ordinary networks shows."""
    found = [
        interim.interim_section(results),
        decompositions.section(results),
        sweeps.sweeps_section(results),
        folds.folds_section(results),
        seed_streams.randomness_section(results),
    ]
    return [section for section in found if section]


def _ranking_title(results: Mapping[str, Any]) -> str:
    return f"Test {unit_in(results).title} by variant"


def _comparisons(results: Mapping[str, Any]) -> list[Block]:
    table = comparisons.paired(results)
    return [*([table] if table else []), *map(Text, _two_networks(results))]


def _two_networks(results: Mapping[str, Any]) -> list[str]:
    """McNemar's test of the best network against the baseline's best one."""
    found, best = results.get("mcnemar"), results.get("best")
    if not found or not best:
        return []
    return [
        f"Two single networks, {best['variant']} with seed {best['seed']} and "
        f"{results['baseline']} with seed {found['baseline_seed']}: only the first is right on "
        f"{found['only_best_right']:,} test rows, only the second on "
        f"{found['only_baseline_right']:,} (McNemar p {p_equals(found['p'])}). This compares these "
        "two, not their variants."
    ]


def _training(
    results: Mapping[str, Any], networks: TrainedNetworks, is_regression: bool
) -> list[Section]:
    """Learning curves of the score, and of the loss beside the generalization gap."""
    score = None if is_regression else training.curves(results, networks, "accuracy", "learning")
    loss = plain_loss_name(results["dataset"]["task"])
    fit = [
        training.curves(results, networks, loss, "curves"),
        training.generalization_gaps(results),
    ]
    sections = [Section("learning", "Learning curves", [score])] if score else []
    sections.append(Section("stopping", "When training stopped", [training.stopping(results)]))
    shown = [figure for figure in fit if figure]
    if shown:
        title = "Learning curves, over- and underfitting" if not score else "Over- and underfitting"
        sections.append(Section("fit", title, shown))
    return sections


def _again(
    folder: RunFolder, results: Mapping[str, Any], environment: Mapping[str, Any]
) -> Section:
    data = environment["data"]
    facts = {
        "data": f"{data['name']}, {data['source']}, from {data['location']}",
        "sha256 of the data": data["sha256"],
        "Python": f"{environment['python']} on {environment['platform']}",
        "packages": _versions(environment),
    }
    if "backend" in environment:
        facts["trained by"] = f"{environment['backend']} on {environment['device']}"
    if environment.get("later"):
        facts["gone on with"] = "; ".join(map(_machine, environment["later"]))
    return Section(
        "again",
        "How to make it again",
        [
            Code(reproduce_command(results)),
            Text("with this study.toml, which lies in the run folder:"),
            Code(folder.read_text("study.toml").strip()),
            Text(
                "The command goes on where it stopped, and trains only what is missing. All "
                "numbers of this report follow from the run folder: tables/ holds them as CSV, "
                "figures/ holds the figures as SVG."
            ),
            facts_table(facts),
        ],
    )


def _machine(environment: Mapping[str, Any]) -> str:
    """A later environment of the same folder, in a line."""
    return f"{environment['backend']} on {environment['device']} ({_versions(environment)})"


def _versions(environment: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {v or '–'}" for name, v in environment["packages"].items())
