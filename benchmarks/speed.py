"""kmlp's stacks against what people would write or use instead, in turn, in one run.

    python benchmarks/speed.py --mode epoch --members 1,10 --hidden 128-64,512-256
    python benchmarks/speed.py --mode study --loop-seeds 2

`--mode epoch` measures the marginal seconds per member-epoch of every side, `--mode study` the
wall time of a whole study. All sides train the same network with the same regularizers on the
same rows, validate after each epoch, and tell what accuracy they reached; each runs in a process
of its own, warmed up, while the others idle. A side whose package is missing is left out, with a
notice. Prints Markdown; `--json` keeps every round.
"""

import argparse
import dataclasses
import itertools
import json
import os
from pathlib import Path

from race.epoch_mode import run_epochs, tell
from race.machine import machine_facts
from race.process import serve
from race.setting import Setting
from race.sides import BEFORE, EPOCH_SIDES, SIDES, STUDY_SIDES
from race.study_mode import run_studies
from race.table import epoch_table, goal_table, machine_table, study_table

VARIANTS = ("none", "dropout", "l1", "l2", "l1_l2", "dropout_l2", "batch_norm", "max_norm")


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def widths(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(n) for n in part.split("-")) for part in text.split(","))


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--mode", choices=("epoch", "study"), default="epoch")
    add("--data", default="fashion_mnist", help="a name, a folder of IDX files, or an .npz")
    add("--rows", type=int, help="use so many of the training rows; all where omitted")
    add("--hidden", type=widths, default=((128, 64),), help="such as 128-64,1024-1024")
    add("--batch", type=numbers, default=(128,), help="such as 128,512")
    add("--members", type=numbers, default=(10,), help="K, such as 1,10,100")
    add("--dtype", type=words, default=("float32",), help="float32,mixed_bfloat16")
    add("--sides", type=words, help="some of " + ", ".join(EPOCH_SIDES + STUDY_SIDES))
    add("--before", type=Path, help="another checkout, whose kmlp becomes a side: kmlp_before")
    add("--epochs", type=int, default=2, help="marginal epochs a round")
    add("--rounds", type=int, default=3)
    add("--loop-members", type=int, default=2, help="members that a loop is timed with")
    add("--seeds", type=int, default=10, help="of the study")
    add("--loop-seeds", type=int, help="time the loops of a study on so many seeds, 2 or more")
    add("--max-epochs", type=int, default=100, help="of the study")
    add("--variants", type=words, default=VARIANTS, help="of the study")
    add("--json", type=Path, help="keep every round in this file")
    add("--serve", help=argparse.SUPPRESS)
    add("--setting", type=Setting.from_json, help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = STUDY_SIDES if options.mode == "study" else EPOCH_SIDES
    if options.before:
        os.environ[BEFORE] = str(options.before.resolve())
    else:
        known = tuple(name for name in known if not SIDES[name].is_before)
    options.sides = options.sides or known
    if unknown := set(options.sides) - set(known):
        parser.error(f"no such side in this mode: {', '.join(unknown)}. Known: {', '.join(known)}")
    if options.loop_seeds == 1 < options.seeds:
        parser.error("--loop-seeds must be 2 or more: the first seed of a variant also compiles")
    return options


def settings(options: argparse.Namespace) -> list[Setting]:
    """Every combination that was asked for."""
    is_study = options.mode == "study"
    members = (1,) if is_study else options.members
    return [
        Setting(
            data=options.data,
            rows=options.rows,
            hidden_units=hidden_units,
            batch_size=batch_size,
            num_members=num_members,
            dtype=dtype,
            variants=options.variants if is_study else (),
            num_seeds=options.seeds if is_study else 0,
            max_epochs=options.max_epochs if is_study else 0,
        )
        for dtype, hidden_units, batch_size, num_members in itertools.product(
            options.dtype, options.hidden, options.batch, members
        )
    ]


def main() -> None:
    options = parse()
    if options.serve:
        serve(options.serve, options.setting)
        return
    facts = machine_facts()
    print(machine_table(facts), flush=True)
    epoch_runs: list = []
    study_runs: list = []
    for setting in settings(options):
        tell(f"\n{setting}")
        if options.mode == "study":
            loop_seeds = options.loop_seeds or options.seeds
            run = run_studies(setting, options.sides, rounds=options.rounds, loop_seeds=loop_seeds)
            study_runs.append(run)
            print("\n" + study_table(run), flush=True)
        else:
            run = run_epochs(
                setting,
                options.sides,
                epochs=options.epochs,
                rounds=options.rounds,
                loop_members=options.loop_members,
            )
            epoch_runs.append(run)
            print("\n" + epoch_table(run), flush=True)
        if options.json:
            runs = [dataclasses.asdict(run) for run in [*epoch_runs, *study_runs]]
            options.json.write_text(json.dumps({"machine": facts, "runs": runs}, indent=1))
    print("\n" + goal_table(epoch_runs, study_runs))


if __name__ == "__main__":
    main()
