"""What the records share: their strictness, and the few types that many of them are made of."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kmlp.stats.summaries import Summary

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Number = int | float
Plain = Mapping[str, Any]
"""What another room describes itself by, as its `to_dict` gives it; or values by parameter."""
Scores = Mapping[str, float | None]
"""By metric; None is what cannot be told, as an AUC of rows of one class."""
Summaries = Mapping[str, Summary]
"""By metric, over the members."""


class Record(BaseModel):
    """Values that belong together; none is missing, none too many."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        validate_by_alias=True,
        validate_by_name=True,
        # `kmlp show` has no time to build what nobody reads or writes.
        defer_build=True,
        ser_json_inf_nan="constants",
    )

    def to_dict(self) -> dict[str, Any]:
        """Plain types, as JSON holds them."""
        return self.model_dump(mode="json")
