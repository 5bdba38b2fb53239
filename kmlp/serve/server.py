"""The server's process: it listens, says where, and stops without dropping who is under way."""

import asyncio
import importlib.util
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kmlp.errors import ConfigError, KmlpError, ModelError
from kmlp.serve.folders import check_models, models_in
from kmlp.serve.http.access import check_token
from kmlp.serve.http.metrics import Metrics
from kmlp.serve.limits import Limits
from kmlp.serve.models import ServedModels, Version
from kmlp.serve.saved import load_servable
from kmlp.serve.servable import Servable

_NEEDED = ("fastapi", "uvicorn")
_BACKLOG = 2048
_THREADS = 2  # one computes while the other loads


def check_installed() -> None:
    """Refuses where the extra is not installed.

    Raises:
        KmlpError: what to install.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise KmlpError(f"kmlp serve needs {' and '.join(missing)}: pip install 'kmlp[serve]'")


def serve(
    path: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    token: str = "",
    limits: Limits,
    num_versions: int = 1,
    load: Callable[[Path], Servable] = load_servable,
    ready: Callable[[str, Sequence[Version]], None] = lambda url, models: None,
) -> None:
    """Serves what lies at a path until the process is told to stop (Ctrl-C, SIGTERM).

    Args:
        path: see `models_in`.
        host, port: where it listens; port 0 takes one that is free.
        token: that requests must send; empty for none, which is for loopback alone.
        limits: of requests.
        num_versions: how many of the newest versions of each model are served.
        load: makes a model of a version's folder.
        ready: is told the address and what is served, once it answers.

    Raises:
        KmlpError: the extra is not installed, or nobody can be served so.
        ModelError: no model lies there, or none can be loaded.
        OSError: nobody can listen there.
    """
    check_installed()
    check_token(host, token)
    check_models(path)
    with (
        _listening(host, port) as listener,
        _stopping_quietly(),
        ThreadPoolExecutor(_THREADS, "kmlp-serve") as executor,
    ):
        metrics = Metrics()
        models = ServedModels(
            partial(models_in, path),
            load,
            executor,
            limits=limits,
            num_versions=num_versions,
            told=metrics.count_batch,
        )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(models, listener, metrics, limits, token, ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Of uvloop, which takes less time a request; where it is not installed, Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(
    models: ServedModels,
    listener: socket.socket,
    metrics: Metrics,
    limits: Limits,
    token: str,
    ready: Callable[[str, Sequence[Version]], None],
) -> None:
    import uvicorn

    from kmlp.serve.http.app import make_app

    await models.refresh()
    served = list(models)
    if not served:
        raise ModelError("none of the models there can be served.")
    config = uvicorn.Config(
        make_app(models, limits=limits, metrics=metrics, token=token),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(limits.stop_seconds),
        backlog=_BACKLOG,
    )
    ready(_url(listener), served)
    await uvicorn.Server(config).serve(sockets=[listener])


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"nobody can listen at {host}, port {port}: {error.strerror}. --port names another, "
            "--port 0 takes a free one."
        ) from error
    with listener:
        # Inherited by connections: else an answer's body waits 40 ms for its head to be received.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def _stopping_quietly() -> Iterator[None]:
    """uvicorn stops at a signal, and then raises it again for whoever was there before: nobody."""
    signals = (signal.SIGINT, signal.SIGTERM)
    kept = {each: signal.signal(each, lambda number, frame: None) for each in signals}
    try:
        yield
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
