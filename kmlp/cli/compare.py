"""`kmlp compare`: a verdict on scores from anywhere."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kmlp.cli.app import Json, app, default
from kmlp.cli.report import print_report
from kmlp.errors import ConfigError


@app.command
def compare(
    *sources: Annotated[Path, Parameter(help="tables of scores, and run folders")],
    baseline: Annotated[
        str | None,
        Parameter(
            help="what all others are compared with", show_default=default("the first method")
        ),
    ] = None,
    lower_is_better: Annotated[bool, Parameter(negative="", help="the scores are errors")] = False,
    higher_is_better: Annotated[bool, Parameter(negative="", help="they are not")] = False,
    equivalence: Annotated[
        float | None, Parameter(help="the largest difference that does not matter, as 0.2 points")
    ] = None,
    method: Annotated[
        str | None, Parameter(help="the column of methods", show_default=default("method"))
    ] = None,
    score: Annotated[
        str | None,
        Parameter(
            help="the column of scores, or their name where each method has a column",
            show_default=default("score, a metric's name, or the only numbers"),
        ),
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="where a report goes", show_default=default("none is written"))
    ] = None,
    json: Json = False,
) -> None:
    """Say which method is better, and how sure that is, of scores from anywhere.

    A file has a row a score: columns method and score, and if there are such, dataset, seed and
    fold; or, beside a seed or a fold, a column a method and --score for what they hold. Scores
    of the same seed or fold are paired. Run folders give their variants' scores. Random splits
    are folds, too: columns num_train and num_held_out say how many rows each was trained and
    scored on.

    For example:

        kmlp compare scores.csv --baseline old --out runs/scores
        kmlp compare runs/a mine.csv
    """
    from kmlp.cli.printing.scores import print_comparison
    from kmlp.scores.comparison import compare as judged
    from kmlp.scores.sources import read_sources

    if lower_is_better and higher_is_better:
        raise ConfigError("say --lower-is-better or --higher-is-better, not both.")
    said = higher_is_better if lower_is_better or higher_is_better else None
    read = read_sources(sources, method=method, score=score)
    said = read.higher_is_better if said is None else said
    found = judged(
        read.table,
        baseline=baseline or read.baseline,
        higher_is_better=said,
        equivalence=equivalence,
        method=method if len(sources) == 1 else None,
        score=score if len(sources) == 1 else None,
    )
    if read.baseline_in_words and found.baseline == read.baseline:
        found = found.calling_baseline(read.baseline_in_words)
    for sentence in read.missing:
        print(sentence, file=sys.stderr)
    print_comparison(found, as_json=json)
    if out is not None:
        from kmlp.report import write_scores_report

        page = write_scores_report(found, out)
        if not json:
            print()
            print_report(page)
