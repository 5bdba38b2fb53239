"""What `kmlp study` and `kmlp run` train, and how the terminal and a page tell how far it is."""

import contextlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kmlp.cli.app import import_backend_quietly, open_page
from kmlp.config import StudyConfig
from kmlp.config.recipes.ablation import question
from kmlp.text import visible

if TYPE_CHECKING:
    from kmlp.data import Dataset
    from kmlp.study.loading import Study
    from kmlp.study.progress import StudyProgress

NO_WORDS: Mapping[str, str] = {}
_OF_FOLDS = "; --test cv, with another --out, tests on all, each held out in its fold"


@dataclass(frozen=True)
class Machines:
    """Where networks train: see `run_study`; here, where nothing is said.

    Raises:
        ConfigError: a cluster is named, and Ray is not installed: before anything is loaded.
    """

    cluster: str | None = None
    storage: str | None = None

    def __post_init__(self) -> None:
        if self.cluster is not None:
            from kmlp.cluster.connection import import_ray

            import_ray()


HERE = Machines()


@dataclass(frozen=True)
class Shown:
    """How a study is shown while it runs.

    Attributes:
        is_live: whether a page says how far it is.
        is_opened: whether a browser shows that page.
    """

    is_live: bool = False
    is_opened: bool = False


def load_data(config: StudyConfig, run_dir: Path) -> "tuple[Dataset, StudyConfig]":
    """The data of a study, and the study with what of them tests written out."""
    from kmlp.data.sampling import chosen_test
    from kmlp.study.judging.test_rows import load_data as load

    asked, goes_on = config.data.test if config.data else None, (run_dir / "study.toml").exists()
    dataset, config = load(config, run_dir)
    tell_of_data(dataset, config.metric, config.train.class_weight)
    test, may_be_folds = config.data.test if config.data else None, _may_be_folds(config)
    if goes_on and may_be_folds and test not in (asked, chosen_test(None, _num_rows(dataset))):
        print(
            f"rows: {run_dir} goes on as it began, with --test {shlex.quote(str(test))}; what "
            "tests on other rows is another study, in a folder of its own (--out)",
            file=sys.stderr,
        )
    tell_of_few_test_rows(dataset, test, _OF_FOLDS * may_be_folds)
    return dataset, config


def _may_be_folds(config: StudyConfig) -> bool:
    """Whether nothing of a study asks for rows that are set aside."""
    from kmlp.study.judging.test_rows import needs_test_rows

    data = config.data
    is_parted = data is not None and (data.time_on or data.validation)
    return not (needs_test_rows(config) or config.calibration_fraction or is_parted)


def tell_of_few_test_rows(dataset: "Dataset", test: object, advice: str = "") -> None:
    """That a share of few rows is very few, and what else would test."""
    from kmlp.data.sampling import FEW_ROWS

    if isinstance(test, float) and _num_rows(dataset) < FEW_ROWS:
        print(
            f"rows: {len(dataset.y_test):,} of {_num_rows(dataset):,} rows test: what is found on "
            f"them may hold for these alone{advice}",
            file=sys.stderr,
        )


def _num_rows(dataset: "Dataset") -> int:
    return len(dataset.y_train) + len(dataset.y_test)


def tell_of_data(
    dataset: "Dataset", metric: str, class_weight: object, words: Mapping[str, str] = NO_WORDS
) -> None:
    """Where it came from, how many rows it has, how these are parted, and what to look at.

    Args:
        dataset: of a study or a search.
        metric, class_weight: what is asked already is no advice.
        words: a command's own words for those of `kmlp study`.
    """
    from kmlp.data.arrays.cautions import without_advice_taken

    origin = dataset.provenance
    # What `sha256sum` says of a file is not the hash of what was read of it.
    of_file = f"sha256 of the file {origin.file_sha256[:12]}, " if origin.file_sha256 else ""
    print(
        f"{dataset.name}: {origin.source}, {dataset.sizes}, from {origin.location}, {of_file}"
        f"hash of the data as used {origin.sha256[:12]}",
        file=sys.stderr,
    )
    for note in dataset.rows.notes:
        print(f"rows: {visible(note)}", file=sys.stderr)
    for name, why in dataset.schema.left_out.items() if dataset.schema else ():
        if why.startswith("time_on"):
            print(
                f"rows: {visible(name)} parts the rows and is no input; as a date it is one with "
                f"--columns {shlex.quote(f'{visible(name)}=date')}",
                file=sys.stderr,
            )
    for warning in dataset.warnings:
        told = without_advice_taken(warning, metric, class_weight)
        for of_study, own in words.items():
            told = told.replace(of_study, own)
        print(f"look at: {visible(told)}", file=sys.stderr)


def run_with_progress(
    config: StudyConfig,
    out: Path,
    dataset: "Dataset",
    shown: Shown | None = None,
    machines: Machines = HERE,
) -> "Study":
    from kmlp.study.progress import StudyProgress
    from kmlp.study.study import run_study, written_out

    asked = written_out(config, dataset)
    if dataset.has_test_rows and (lacking := _lacking(asked)):
        between = " and ".join(f"{words} (at least {n} needed)" for words, n in lacking.items())
        print(
            f"{config.most_seeds} seeds cannot show any difference between {between}: "
            f"--seeds {max(lacking.values())}",
            file=sys.stderr,
        )
    import_backend_quietly()
    title = question(config.ablated, dataset.name, is_searched=config.searched is not None)
    with StudyProgress() as progress, _live_page(progress, out, title, shown or Shown()):
        return run_study(config, out, dataset, progress=progress, **vars(machines))


def _live_page(
    progress: "StudyProgress", folder: Path, title: str, shown: Shown
) -> contextlib.AbstractContextManager:
    """The page of a study that runs, where it is asked for."""
    if not shown.is_live:
        return contextlib.nullcontext()
    from kmlp.report.live import LivePage

    def tell(page: Path) -> None:
        print(f"Watch: {page}", file=sys.stderr)
        if shown.is_opened:
            open_page(page)

    return LivePage(progress, folder, title, tell)


def seeds_needed(config: StudyConfig) -> int:
    """From how many seeds on any difference can show, of a variant from the baseline and of a
    reference from the best network; 0 where nothing is compared."""
    return max(_needed(config).values(), default=0)


def _lacking(config: StudyConfig) -> dict[str, int]:
    return {words: n for words, n in _needed(config).items() if config.most_seeds < n}


def _needed(config: StudyConfig) -> dict[str, int]:
    """What is compared, in words, and how many seeds that takes at least."""
    from kmlp.stats.paired_tests import min_seeds_to_test

    num_variants, num_references = len(config.variant_names) - 1, len(config.named_references)
    compared = {
        f"the baseline and {num_variants} other variant{'s' * (num_variants > 1)}": num_variants,
        f"the best network and {num_references} other model{'s' * (num_references > 1)}": (
            num_references
        ),
    }
    return {words: min_seeds_to_test(number) for words, number in compared.items() if number}
