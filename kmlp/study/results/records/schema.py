"""JSON schemas of what is written, made from the records and their docstrings.

python -m kmlp.study.results.records.schema > kmlp/results.schema.json
"""

import inspect
import json
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from kmlp.study.results.records.base import Record
from kmlp.study.results.records.study import StudyResults

_ATTRIBUTES = re.compile(r"^Attributes:\n(.*)", re.DOTALL | re.MULTILINE)
_ATTRIBUTE = re.compile(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)


class _Described(GenerateJsonSchema):
    """Takes descriptions from docstrings; names say enough, so titles are left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        return _described(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        return _described(super().dataclass_schema(schema), schema["cls"])


def results_schema(record: type[Record] = StudyResults) -> dict[str, Any]:
    """Of what this release writes; what 0.1.0 wrote fits it too."""
    made = record.model_json_schema(schema_generator=_Described)
    return {"$schema": GenerateJsonSchema.schema_dialect, **made}


def _described(made: dict[str, Any], cls: type) -> dict[str, Any]:
    text = inspect.cleandoc(cls.__doc__ or "")
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        meanings |= _meanings(inspect.cleandoc(base.__doc__ or ""))
    for name, field in made.get("properties", {}).items():
        if name in meanings:
            field["description"] = meanings[name]
    return {**made, "description": _in_a_line(_ATTRIBUTES.sub("", text))}


def _meanings(text: str) -> dict[str, str]:
    """By attribute, as a docstring lists them."""
    listed = _ATTRIBUTES.search(text)
    found = _ATTRIBUTE.findall(listed[1]) if listed else []
    return {name: _in_a_line(what) for names, what in found for name in names.split(", ")}


def _in_a_line(text: str) -> str:
    return " ".join(text.split())


def to_json(record: type[Record] = StudyResults) -> str:
    """The content of the file."""
    return json.dumps(results_schema(record), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(to_json(), end="")
