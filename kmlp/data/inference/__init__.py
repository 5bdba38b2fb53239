"""A table in, its schema out: the kinds of its columns, its target, and what to look at."""

from kmlp.data.inference.schema import infer_schema, suggest_target

__all__ = ["infer_schema", "suggest_target"]
