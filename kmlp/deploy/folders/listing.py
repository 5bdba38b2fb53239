"""Which exported models lie in a folder, networks and models beside them, by their manifests
alone: nothing is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmlp.deploy.manifest import read_manifest
from kmlp.deploy.serving import all_versions
from kmlp.errors import ModelError
from kmlp.stats.monitoring import metrics_on_card


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A version of a model, as its manifest tells of it.

    Attributes:
        name: of the model.
        version: its number.
        created: when, in UTC, as ISO 8601.
        data: what the training data are called.
        run: the run folder's name; empty of what an earlier kmlp exported.
        variant: which variant's, or the model beside the networks.
        num_members: how many networks it is of; 0 of a model beside them.
        metric: the first on its card: by which its study is decided; empty where `trouble` stands.
        score: what the study expects by it of one network of the variant, or of such a model:
            the mean of those that it trained; None where it says nothing.
        basis: what the score rests on: "test", rows that were set aside, or "folds".
        num_rows: how many rows that are; 0 where the manifest does not tell.
        size: of all its files, in bytes.
        trouble: why nothing is known of it; empty of others.
    """

    name: str
    version: int
    size: int
    created: str = ""
    data: str = ""
    run: str = ""
    variant: str = ""
    num_members: int = 0
    metric: str = ""
    score: float | None = None
    basis: str = ""
    num_rows: int = 0
    trouble: str = ""


def list_models(path: Path) -> list[Listed]:
    """Every version of every model in a folder of models, or of one model, the newest first.

    Args:
        path: `saved_models`, or `saved_models/NAME`.

    Raises:
        ModelError: there is no such folder.
    """
    if not path.is_dir():
        raise ModelError(f"{path}: no such folder. kmlp export RUN makes a model in saved_models.")
    found = [path] if all_versions(path) else sorted(p for p in path.iterdir() if all_versions(p))
    return [_listed(model, number) for model in found for number in reversed(all_versions(model))]


def _listed(model: Path, number: int) -> Listed:
    folder = model / str(number)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    known: dict[str, Any] = {"name": model.resolve().name, "version": number, "size": size}
    try:
        manifest = read_manifest(folder)
        if manifest is None:
            return Listed(**known, trouble="no manifest: not written by kmlp")
        return Listed(**known, **_told(manifest))
    except ModelError as error:
        return Listed(**known, trouble=str(error))
    except (KeyError, TypeError, AttributeError):
        return Listed(**known, trouble="its manifest is not kmlp's")


def _told(manifest: dict[str, Any]) -> dict[str, Any]:
    variant, dataset = manifest.get("reference") or manifest["variant"], manifest["dataset"]
    basis = manifest.get("basis", "test")  # an earlier kmlp knew no other
    of_rows = ("num_train", "num_val") if basis == "folds" else ("num_test",)
    metric, *_ = metrics_on_card(manifest["spec"]["task"], manifest.get("metric", ""))
    return {
        "created": manifest["created"],
        "data": dataset["name"],
        "run": manifest.get("run", {}).get("name", ""),
        "variant": variant["name"],
        "num_members": len(manifest.get("members", ())),
        "metric": metric,
        "score": variant["test"].get(metric, {}).get("mean"),
        "basis": basis,
        "num_rows": sum(dataset.get(name, 0) for name in of_rows),
    }
