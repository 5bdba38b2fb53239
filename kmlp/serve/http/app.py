"""The server's paths: TensorFlow Serving's REST interface, health, metrics, and the page."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version as package_version

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from kmlp.errors import DataError
from kmlp.serve.calls import answer_body, read_call
from kmlp.serve.http.access import refuse_strangers
from kmlp.serve.http.metrics import Metrics
from kmlp.serve.http.openapi import openapi
from kmlp.serve.http.page import add_page
from kmlp.serve.limits import Limits, Refusal
from kmlp.serve.models import ServedModels, Version

logger = logging.getLogger(__name__)

_OF_VERSION = ("", "/versions/{version:int}")
_JSON = "application/json"
_PREDICT = ":predict"


def make_app(
    models: ServedModels,
    *,
    limits: Limits,
    metrics: Metrics,
    token: str = "",
    poll_seconds: float = 1.0,
) -> ASGIApp:
    """The application that a server runs.

    Args:
        models: are looked for on the disk as long as it runs.
        limits: of requests.
        metrics: takes what happens.
        token: that requests must send; empty for none.
        poll_seconds: between two looks at the disk.
    """

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(_watch(models, poll_seconds))
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await models.close()

    app = FastAPI(
        title="kmlp",
        version=package_version("kmlp"),
        docs_url=None,
        redoc_url=None,
        lifespan=living,
    )
    app.openapi = lambda: openapi(models, has_token=bool(token))  # type: ignore[method-assign]
    _add_tensorflow_serving(app, models, limits, metrics)
    _add_own(app, models, metrics)
    add_page(app, models, limits, read_body)
    for kind in (Refusal, DataError, HTTPException, Exception):
        app.add_exception_handler(kind, _refused)
    return Guarded(app, token)


class Guarded:
    """An application behind the rules of who may ask.

    Args:
        app: what is behind.
        token: see `refuse_strangers`.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                refuse_strangers(scope["path"], scope["headers"], self._token)
            except Refusal as error:
                await _error(error.status, str(error), error.headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _watch(models: ServedModels, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await models.refresh()
        except OSError as error:
            logger.warning("the models' folder cannot be read: %s", error)


def _add_tensorflow_serving(
    app: FastAPI, models: ServedModels, limits: Limits, metrics: Metrics
) -> None:
    async def status(request: Request) -> Response:
        if request.path_params["name"].endswith(_PREDICT):
            raise HTTPException(405, headers={"Allow": "POST"})
        found = models.statuses(*_asked(request))
        return JSONResponse({"model_version_status": found})

    async def metadata(request: Request) -> Response:
        version = models.version(*_asked(request))
        signatures = {"signature_def": dict(version.servable.signature_def)}
        spec = {"name": version.name, "signature_name": "", "version": str(version.number)}
        about = {"signature_def": signatures, "kmlp": dict(version.servable.description)}
        return JSONResponse({"model_spec": spec, "metadata": about})

    async def listed(_: Request) -> Response:
        found = [{"name": each.name, "version": str(each.number)} for each in models]
        return JSONResponse({"models": found})

    async def predict(request: Request) -> Response:
        started = time.perf_counter()
        model, code = "", 500
        try:
            model = models.version(*_asked(request)).name
            async with _deadline(limits):
                body = await read_body(request, limits)
                # Asked for anew: another version may have come while the body was on its way.
                answer = await _predicted(models.version(*_asked(request)), body, limits)
            code = 200
            return Response(answer, media_type=_JSON)
        except (Refusal, DataError) as error:
            code = error.status if isinstance(error, Refusal) else 400
            raise
        finally:
            metrics.count(model, code, time.perf_counter() - started)

    app.add_route("/v1/models", listed, ["GET"])
    for which in _OF_VERSION:
        path = f"/v1/models/{{name}}{which}"
        app.add_route(f"{path}{_PREDICT}", predict, ["POST"])
        app.add_route(f"{path}/metadata", metadata, ["GET"])
        app.add_route(path, status, ["GET"])


def _add_own(app: FastAPI, models: ServedModels, metrics: Metrics) -> None:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def measured(_: Request) -> Response:
        queued = [(each.name, each.number, each.batcher.queued_rows) for each in models]
        kind = "text/plain; version=0.0.4"
        return Response(metrics.text(queued), media_type=kind)

    app.add_route("/healthz", healthz, ["GET"])
    app.add_route("/metrics", measured, ["GET"])


def _asked(request: Request) -> tuple[str, int | None]:
    return request.path_params["name"], request.path_params.get("version")


@asynccontextmanager
async def _deadline(limits: Limits) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(limits.seconds):
            yield
    except TimeoutError:
        raise Refusal(
            503, f"no answer within {limits.seconds:g} s. Ask again later.", {"Retry-After": "1"}
        ) from None


async def _predicted(version: Version, body: bytes, limits: Limits) -> bytes:
    call = read_call(body, version.servable)
    if call.num_rows > limits.rows:
        raise Refusal(
            413, f"a request has at most {limits.rows:,} rows. Received: {call.num_rows:,}."
        )
    return answer_body(call, await version.batcher.predict(call))


async def read_body(request: Request, limits: Limits) -> bytes:
    """A request's body, whatever its type says it is.

    Raises:
        Refusal: 413, it is too large; 415, it is compressed.
    """
    if "content-encoding" in request.headers:
        raise Refusal(415, "a body is sent as it is, not compressed")
    said = request.headers.get("content-length", "")
    too_large = Refusal(413, f"a body has at most {limits.body_bytes:,} bytes")
    if said.isdecimal() and int(said) > limits.body_bytes:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.body_bytes:
            raise too_large
        parts.append(part)
    return b"".join(parts)


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        return _error(error.status, str(error), error.headers)
    if isinstance(error, DataError):
        return _error(400, str(error))
    if isinstance(error, HTTPException):
        asked = f"{request.method} {request.url.path}"
        return _error(error.status_code, f"{error.detail}: {asked}", dict(error.headers or {}))
    return _error(500, "the server failed; its log says how")


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
