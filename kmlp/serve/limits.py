"""How much the server takes on, and the refusals that keep it answering."""

from dataclasses import dataclass

from kmlp.errors import KmlpError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request, and all that wait, may come to.

    Attributes:
        body_bytes: of a request's body.
        rows: of one `:predict` request.
        queued_rows: that wait for their model together.
        batch_rows: that are computed at once.
        seconds: from a request's first byte to its answer.
        stop_seconds: that requests under way are given when the server is stopped.
    """

    body_bytes: int = 64 * 2**20
    rows: int = 10_000
    queued_rows: int = 20_000
    batch_rows: int = 1024
    seconds: float = 30.0
    stop_seconds: float = 20.0


class Refusal(KmlpError):
    """An answer that is no prediction.

    Args:
        status: of HTTP.
        message: what was asked, and what can be.
        headers: that stand beside it.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
