"""The report of one study, block by block."""

import json
import shlex
from pathlib import Path

from kmlp.config.recipes.ablation import question
from kmlp.report.answer import answer_of
from kmlp.report.blocks import Bullets, Code, Report, Section, Text, facts_table
from kmlp.report.columns import data_section
from kmlp.report.images import find_test_images
from kmlp.report.limits import limits
from kmlp.report.sections.analyses.decompositions import decompositions_section
from kmlp.report.sections.analyses.folds import folds_section
from kmlp.report.sections.analyses.importance import importance_section
from kmlp.report.sections.analyses.interim import interim_section
from kmlp.report.sections.analyses.references import references_section
from kmlp.report.sections.analyses.seed_streams import randomness_section
from kmlp.report.sections.analyses.sweeps import sweeps_section
from kmlp.report.sections.comparisons import comparisons_section, differences
from kmlp.report.sections.cost import cost_section, weight_columns
from kmlp.report.sections.pilot import pilot_section
from kmlp.report.sections.predictions import errors_section, residuals_section, trust_section
from kmlp.report.sections.ranking import ranking_section
from kmlp.report.sections.scores import others_section, promises_section, scores_section
from kmlp.report.sections.setting import best_section, setting_section
from kmlp.report.sections.training import training_sections
from kmlp.study.environment import Environment, Machine, read_environment
from kmlp.study.provenance import stored_config
from kmlp.study.results.networks import TrainedNetworks, read_networks
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder

NUM_SENTENCES = 3
"""How many of a verdict's sentences are its outcome; the others qualify it."""


def study_report(
    folder: RunFolder, results: StudyResults, num_missing: int = 0, *, hide_values: bool = False
) -> Report:
    """What the report of a run folder says.

    Args:
        folder: where the networks' arrays lie.
        results: made from it, as `Study.record`.
        num_missing: how many networks have no result yet.
        hide_values: whether what stood in a table's cells is left out.

    Raises:
        RunFolderError: damaged arrays, or files that were changed.
    """
    environment = read_environment(folder)
    lead = differences(results) if results.best else None
    return Report(
        kicker=_kicker(results),
        title=question(
            results.ablated, results.dataset.name, is_searched=results.searched is not None
        ),
        facts=_facts(results),
        answer=answer_of(results, _missing(num_missing)),
        verdict=results.verdict[:NUM_SENTENCES],
        also=_qualifying(results),
        lead=[lead] if lead else (),
        sections=[
            *(_findings(results, folder, environment, hide_values) if results.best else ()),
            Section("limits", "Limits", [Bullets(limits(results))]),
            _again(folder, results, environment),
        ],
    )


def _kicker(results: StudyResults) -> str:
    if results.searched:
        return "A search's trials, on fresh seeds"
    return "Ablation" if results.ablated else "Regularization study"


def _qualifying(results: StudyResults) -> list[str]:
    """What else the verdict says; what changes the answer stands right below that."""
    told = results.answer.caveats if results.answer else ()
    return [s for s in results.verdict[NUM_SENTENCES:] if s not in told]


def _missing(number: int) -> list[str]:
    """That a study is not finished."""
    if not number:
        return []
    networks = "1 network is" if number == 1 else f"{number} networks are"
    return [
        f"{networks} not trained yet: this is what is known so far. The same command goes on, and "
        "writes this report anew."
    ]


def reproduce_command(source: str, run_dir: Path) -> str:
    """The command, or the lines of Python, that make this study again from its own study file; as
    from here, or from the folder that holds the run folder where that lies elsewhere."""
    folder, here = run_dir.resolve(), Path.cwd()
    lies_below = folder != here and folder.is_relative_to(here)
    place = folder.relative_to(here) if lies_below else Path(folder.name)
    file, again = f"{place}/study.toml", f"{place}-again"
    if source == "arrays":
        read, out = (json.dumps(path, ensure_ascii=False) for path in (file, again))
        return (
            "data = kmlp.Dataset.from_arrays(x_train, y_train, x_test, y_test)\n"
            f"config = kmlp.StudyConfig.from_toml(open({read}).read())\n"
            f"kmlp.run_study(config, {out}, data)"
        )
    # It is there to be pasted into a shell, whatever the folder is called.
    return f"kmlp study {shlex.quote(file)} --out {shlex.quote(again)}"


def _facts(results: StudyResults) -> str:
    dataset, folds = results.dataset, results.groups.folds
    variants = "1 variant" if len(results.variants) == 1 else f"{len(results.variants)} variants"
    networks = f"{len(results.members)} networks, {variants}"
    kept = f"{dataset.num_calibration:,} calibration, " if dataset.num_calibration else ""
    rows = (
        f"{dataset.num_train:,} training, {dataset.num_val:,} validation, {kept}"
        f"{dataset.num_test:,} test rows"
    )
    if results.basis == "folds" and folds:
        networks += f", {len(results.extra_members)} more networks on folds"
        rows = (
            f"{dataset.num_train + dataset.num_val:,} rows, each held out in one of "
            f"{folds.num_folds} folds, {folds.num_repeats} times"
        )
    return f"{networks} · {rows} · data: {dataset.name}, {dataset.source}"


def _findings(
    results: StudyResults, folder: RunFolder, environment: Environment, hide_values: bool
) -> list[Section]:
    """What a study found, from top to bottom; a section that has nothing to say is left out."""
    networks = read_networks(folder, results)
    found: list[Section | None] = [
        setting_section(results),
        data_section(
            environment,
            metric=results.metric.name,
            class_weight=results.variant(results.baseline).config.train.get("class_weight"),
            hide_values=hide_values,
        ),
        ranking_section(results, weight_columns(networks)),
        best_section(results),
        references_section(results),
        importance_section(results),
        scores_section(results),
        comparisons_section(results),
        promises_section(results),
        interim_section(results),
        decompositions_section(results),
        sweeps_section(results),
        folds_section(results),
        randomness_section(results),
        *training_sections(results, networks),
        *_predictions(results, networks, folder, environment),
        others_section(results),
        pilot_section(results),
        cost_section(results, networks),
    ]
    return [section for section in found if section]


def _predictions(
    results: StudyResults, networks: TrainedNetworks, folder: RunFolder, environment: Environment
) -> list[Section]:
    if results.dataset.is_regression:
        return [residuals_section(results, networks)]
    said = stored_config(folder).data
    images = find_test_images(environment, test=said.test if said else None)
    return [errors_section(results, networks, images), trust_section(networks)]


def _again(folder: RunFolder, results: StudyResults, environment: Environment) -> Section:
    data = environment.data
    facts = {
        "data": f"{data.name}, {data.source}, from {data.location}",
        **data.hashes,
        "Python": f"{environment.python} on {environment.platform}",
        "packages": environment.versions,
    }
    if results.metric.is_own:
        facts["judged by"] = _own_metric(results)
    if environment.backend:
        facts["trained by"] = _machine(environment)
    if environment.later:
        later = (f"{_machine(machine)} ({machine.versions})" for machine in environment.later)
        facts["gone on with"] = "; ".join(later)
    return Section(
        "again",
        "How to make it again",
        [
            Code(reproduce_command(results.dataset.source, folder.path)),
            Text("in the folder from which the paths of its data lead to them. Its study.toml:"),
            Code(folder.read_text("study.toml").strip()),
            Text(
                "The command goes on where it stopped, and trains only what is missing. All "
                "numbers of this report follow from the run folder: tables/ holds them as CSV, "
                "figures/ holds the figures as SVG."
            ),
            facts_table(facts),
        ],
    )


def _own_metric(results: StudyResults) -> str:
    """What takes a function that no run folder keeps."""
    metric = results.metric
    name = json.dumps(metric.name, ensure_ascii=False)
    return (
        f"{metric.name}, a Python function of the user's own, which is not kept here: "
        f"kmlp.rescore(RUN, kmlp.Metric({name}, FUNCTION, "
        f"higher_is_better={metric.higher_is_better}))"
    )


def _machine(machine: Machine) -> str:
    return f"{machine.backend} on {machine.device}"
