"""The page at `/`, and the two questions that only it asks."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from kmlp.errors import DataError
from kmlp.files import temporary_file
from kmlp.serve.limits import Limits
from kmlp.serve.models import ServedModels
from kmlp.serve.servable import DEFAULT

_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
Read = Callable[[Request, Limits], Awaitable[bytes]]


def add_page(app: FastAPI, models: ServedModels, limits: Limits, read_body: Read) -> None:
    """Adds the page's paths.

    Args:
        app: they are added to.
        models: that the page shows.
        limits: of a file that is dropped in.
        read_body: reads it.
    """
    one_at_a_time = asyncio.Lock()

    async def described(_: Request) -> Response:
        found = []
        for each in models:
            outputs = [tensor.name for tensor in each.servable.signatures[DEFAULT].outputs]
            about = {"name": each.name, "version": each.number, "outputs": outputs}
            found.append({**each.servable.description, **about})
        return JSONResponse({"models": found})

    async def file_predicted(request: Request) -> Response:
        """A file in the body, called by `name` in the query: its suffix says what it is."""
        servable = models.version(request.path_params["name"]).servable
        body = await read_body(request, limits)
        with temporary_file(body, request.query_params.get("name", "")) as path:
            async with one_at_a_time:
                try:
                    found = await asyncio.to_thread(servable.predict_file, path)
                except DataError as error:
                    # Whoever dropped it in knows its name, and nothing of this machine's folders.
                    raise DataError(str(error).replace(str(path), path.name)) from error
        return JSONResponse({"csv": found.csv, "told": found.told, "num_rows": found.num_rows})

    app.add_route("/", _static("index.html"), ["GET"])
    for path in resources.files("kmlp.serve.http").joinpath("static").iterdir():
        app.add_route(f"/static/{path.name}", _static(path.name), ["GET"])
    app.add_route("/page/models", described, ["GET"])
    app.add_route("/page/models/{name}/file", file_predicted, ["POST"])


def _static(name: str) -> Callable[[Request], Awaitable[Response]]:
    kind = _KINDS[name.rpartition(".")[2]]

    async def serve(_: Request) -> Response:
        return Response(_text(name), media_type=kind, headers=_HEADERS)

    return serve


@cache
def _text(name: str) -> str:
    return (resources.files("kmlp.serve.http") / "static" / name).read_text(encoding="utf-8")
