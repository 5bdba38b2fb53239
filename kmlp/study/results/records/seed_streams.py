"""Which randomness matters: a score's standard deviation by the stream that varies."""

from typing import Annotated, Literal

from pydantic import Field

from kmlp.study.results.records.base import Estimate, OfVariant, Positive, Record
from kmlp.study.results.records.members import Stream


class RandomnessPlan(Record):
    """Members of which one stream varies.

    Attributes:
        num_settings: of the streams that are held.
        num_seeds: of the stream that varies, in each setting.
    """

    num_settings: Positive
    num_seeds: Positive


class StreamSpread(Record):
    """The deviation of the named metric on the test set.

    Attributes:
        stream: which seed varies alone, pooled over settings of the others, or all of them.
        sd: the standard deviation.
        degrees: of freedom.
        num_settings: that it is pooled over.
    """

    stream: Stream | Literal["all"]
    sd: Estimate
    degrees: Positive
    num_settings: Positive


class StreamsOfVariant(OfVariant):
    """The streams of one variant that vary anything."""

    streams: Annotated[tuple[StreamSpread, ...], Field(min_length=1)]

    @property
    def by_stream(self) -> dict[str, StreamSpread]:
        """By its name."""
        return {spread.stream: spread for spread in self.streams}
