"""Who may ask: with a token whoever has it; without one, only this machine's own programs."""

import hmac
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from kmlp.errors import ConfigError
from kmlp.serve.limits import Refusal

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OPEN = re.compile(r"/|/healthz|/static/[a-z.]+")  # what tells nothing of any model
_SHORTEST_TOKEN = 16


def check_token(host: str, token: str) -> None:
    """Refuses to be reached from other machines by anybody.

    Raises:
        ConfigError: no token, or one that can be guessed.
    """
    if token and len(token) < _SHORTEST_TOKEN:
        raise ConfigError(
            f"a token has {_SHORTEST_TOKEN} characters or more, such as `openssl rand -hex 32` "
            f"gives. Received: {len(token)}."
        )
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigError("a token is of ASCII letters, digits and signs, without spaces.")
    if not token and host not in LOOPBACK:
        raise ConfigError(
            f"--host {host} lets other machines in: set KMLP_TOKEN to a secret, such as `openssl "
            "rand -hex 32` gives, which requests send as Authorization: Bearer SECRET."
        )


def refuse_strangers(path: str, headers: Iterable[tuple[bytes, bytes]], token: str) -> None:
    """Lets a request pass, or says why not.

    Without a token the name that was asked for must be this machine's, and a page that asks must
    be the server's own: else any page in a browser here could ask, by a name of its own that leads
    to this machine.

    Args:
        path: that is asked for.
        headers: of the request, names in lower case.
        token: that is wanted; empty for none.

    Raises:
        Refusal: 401 or 403.
    """
    found = dict(headers)
    host = found.get(b"host", b"").decode("latin-1")
    origin = found.get(b"origin", b"").decode("latin-1")
    if origin and origin.partition("://")[2] != host:
        raise Refusal(403, "pages of other origins are not answered")
    if not token:
        if host and _name(host) not in LOOPBACK:
            raise Refusal(403, f"ask for {LOOPBACK[0]} or {LOOPBACK[1]}: no other name is answered")
    elif not _OPEN.fullmatch(path):
        scheme, _, given = found.get(b"authorization", b"").partition(b" ")
        is_right = hmac.compare_digest(given.strip(), token.encode())
        if scheme.lower() != b"bearer" or not is_right:
            headers_back = {"WWW-Authenticate": "Bearer"}
            raise Refusal(401, "send the token: Authorization: Bearer TOKEN", headers_back)


def _name(host: str) -> str:
    """Without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
