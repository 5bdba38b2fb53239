"""Members of a finished study to take away: what `best()` returns and `export` takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmlp.data.columns import Schema
from kmlp.data.dataset import DataSpec
from kmlp.text import shown


@dataclass(frozen=True)
class Selection:
    """One or several members of one variant.

    Attributes:
        run_dir: the run folder that holds their weights.
        variant: the variant's entry in `results["variants"]`.
        members: their entries in `results["members"]`; all of them finished.
        dataset: `results["dataset"]`.
        environment: versions, platform and data source of the study.
        basis: what `test` of the variant rests on: "test", rows that were set aside, or "folds".
        metric: that the study is decided by.
        refit: of a network that was trained anew on all rows, for how many `epochs` on how many
            rows, `num_rows`, and the `best_epochs` of the `seeds` that say so; else None.
    """

    run_dir: Path
    variant: Mapping[str, Any]
    members: tuple[Mapping[str, Any], ...]
    dataset: Mapping[str, Any]
    environment: Mapping[str, Any]
    basis: str = "test"
    metric: str = ""
    refit: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        seeds = [str(member["seed"]) for member in self.members]
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"ensemble of {len(seeds)} seeds"
        what = "refit on all rows" if self.refit else which
        about = f"{self.variant['name']} of {shown(self.dataset['name'])}"
        return f"<Selection {about}, {what}, in {self.run_dir}>"

    @property
    def spec(self) -> DataSpec:
        """The data's shapes and classes."""
        return DataSpec.from_dict(self.dataset)

    @property
    def schema(self) -> Schema | None:
        """Of a table, what its columns and its target are; None of arrays."""
        saved = self.environment.get("schema")
        return Schema.from_dict(saved) if saved else None
