"""What the server answers, as OpenAPI: of each model that is served its own inputs and outputs."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version as package_version
from typing import Any

import numpy as np

from kmlp.serve.models import Version
from kmlp.serve.servable import DEFAULT, Servable, Signature, Tensor

Json = dict[str, Any]
_ERRORS = {
    400: "what was sent cannot be read, or is not what the model takes",
    401: "the token is lacking or wrong",
    403: "another origin, or another name than this machine's",
    404: "no such model or version",
    413: "too large a body, or too many rows",
    415: "the body is compressed",
    429: "too many rows wait",
    503: "no answer in time",
}
_MOST_SAID = 8
_LARGEST = float(np.finfo(np.float32).max)
_OF_READING = (401, 403, 404)
_OF_PREDICTING = tuple(_ERRORS)


def openapi(models: Iterable[Version], *, has_token: bool) -> Json:
    """The document.

    Args:
        models: the newest version of each.
        has_token: whether requests must send one.
    """
    paths: Json = {
        "/healthz": {"get": _operation("Whether it answers", _text("ok"), errors=(403,))},
        "/metrics": {
            "get": _operation("Prometheus's metrics", _text("metrics"), errors=(401, 403))
        },
        "/v1/models": {
            "get": _operation("Which models answer", _json(_models()), errors=_OF_READING)
        },
    }
    for version in models:
        for which in ("", f"/versions/{version.number}"):
            paths |= _paths_of(version, f"/v1/models/{version.name}{which}")
    document: Json = {
        "openapi": "3.1.0",
        "info": {"title": "kmlp", "version": package_version("kmlp")},
        "paths": paths,
        "components": {"schemas": {"Error": _object({"error": {"type": "string"}})}},
    }
    if has_token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _paths_of(version: Version, path: str) -> Json:
    name = version.name
    predict = _operation(
        f"Predict with {name}", _json(_answer(version.servable)), errors=_OF_PREDICTING
    )
    predict["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": _request(version.servable)}},
    }
    return {
        path: {"get": _operation(f"The state of {name}", _json(_status()), errors=_OF_READING)},
        f"{path}/metadata": {
            "get": _operation(f"The signatures of {name}", _json(_metadata()), errors=_OF_READING)
        },
        f"{path}:predict": {"post": predict},
    }


def _operation(summary: str, content: Json, *, errors: Iterable[int]) -> Json:
    error = _json({"$ref": "#/components/schemas/Error"})
    return {
        "summary": summary,
        "responses": {
            "200": {"description": "as asked", "content": content},
            **{str(n): {"description": _ERRORS[n], "content": error} for n in errors},
        },
    }


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _text(told: str) -> Json:
    return {"text/plain": {"schema": {"type": "string", "description": told}}}


def _object(properties: Mapping[str, Json], *, is_closed: bool = False) -> Json:
    closed = {"additionalProperties": False} if is_closed else {}
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        **closed,
    }


def _rows(schema: Json) -> Json:
    return {"type": "array", "items": schema, "minItems": 1}


def _request(servable: Servable) -> Json:
    """Either form of each signature; the default one may go without its name."""
    forms = []
    # First what is sent where nothing is named.
    for name, signature in sorted(servable.signatures.items(), key=lambda i: i[0] != DEFAULT):
        named: Json = {"signature_name": {"enum": [name, ""] if name == DEFAULT else [name]}}
        for key, schema in (("instances", _instances(signature)), ("inputs", _inputs(signature))):
            form = _object({key: schema, **named}, is_closed=True)
            form["required"] = [key] if name == DEFAULT else [key, "signature_name"]
            forms.append(form)
    return {"anyOf": forms}


def _instances(signature: Signature) -> Json:
    objects = _object({t.name: _value(t) for t in signature.inputs}, is_closed=True)
    if len(signature.inputs) > 1:
        return _rows(objects)
    return {"anyOf": [_rows(_value(signature.inputs[0])), _rows(objects)]}


def _inputs(signature: Signature) -> Json:
    columns = {t.name: _rows(_value(t)) for t in signature.inputs}
    if len(columns) > 1:
        return _object(columns, is_closed=True) | _equally_many()
    return {"anyOf": [*columns.values(), _object(columns, is_closed=True)]}


def _equally_many() -> Json:
    """JSON Schema has no word for lists of one length: it is said number by number."""
    each = [
        {"additionalProperties": {"minItems": n, "maxItems": n}} for n in range(1, _MOST_SAID + 1)
    ]
    told = f"Every list has equally many rows: any number, of which {_MOST_SAID} are said here."
    return {"anyOf": each, "description": told}


def _answered(tensor: Tensor) -> Json:
    """One row of an output; null of a row that made the network's numbers overflow."""
    return {"anyOf": [_value(tensor, is_answer=True), {"type": "null"}]}


def _value(tensor: Tensor, *, is_answer: bool = False) -> Json:
    """One row of a tensor."""
    schema: Json = {"type": ["string", "null"]}
    if tensor.dtype.startswith(("int", "uint")):
        schema = {"type": "integer"}
        if tensor.dtype == "uint8":
            schema |= {"minimum": 0, "maximum": 255}
    elif tensor.dtype == "bool":
        schema = {"type": "boolean"}
    elif tensor.dtype.startswith("float"):
        schema = {"type": "number" if is_answer else ["number", "null"]}
        if tensor.dtype == "float32" and not is_answer:
            schema |= {"minimum": -_LARGEST, "maximum": _LARGEST}
    elif tensor.kind == "boolean":
        schema = {"enum": ["", *tensor.words, True, False, None]}
    elif tensor.kind == "date":
        dates = [{"type": "string", "format": each} for each in ("date", "date-time")]
        schema = {"anyOf": [*dates, {"enum": ["", None]}]}
    for size in reversed(tensor.shape):
        schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return schema


def _answer(servable: Servable) -> Json:
    """By row or by name, of whichever signature; a single output stands without its name."""
    forms = []
    for signature in servable.signatures.values():
        values = {t.name: _answered(t) for t in signature.outputs}
        if len(values) == 1:
            (only,) = values.values()
            forms += [_object({key: _rows(only)}) for key in ("predictions", "outputs")]
        else:
            forms.append(_object({"predictions": _rows(_object(values))}))
            forms.append(_object({"outputs": _object({n: _rows(v) for n, v in values.items()})}))
    return {"anyOf": forms}


def _status() -> Json:
    text: Json = {"type": "string"}
    status = _object({"error_code": text, "error_message": text})
    version = _object({"version": text, "state": text, "status": status})
    return _object({"model_version_status": _rows(version)})


def _metadata() -> Json:
    text: Json = {"type": "string"}
    spec = _object({"name": text, "signature_name": text, "version": text})
    about = _object({"signature_def": {"type": "object"}, "kmlp": {"type": "object"}})
    return _object({"model_spec": spec, "metadata": about})


def _models() -> Json:
    text: Json = {"type": "string"}
    each = _object({"name": text, "version": text})
    return _object({"models": {"type": "array", "items": each}})
