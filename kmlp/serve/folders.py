"""Which models lie where: a version's folder, a model's, or a folder of models."""

from pathlib import Path

from kmlp.deploy.serving import ESTIMATOR, GRAPH, find_version, versions

Folders = dict[str, dict[int, Path]]


def models_in(path: Path) -> Folders:
    """By a model's name its versions' folders by their numbers.

    Args:
        path: one version, as `saved_models/NAME/1`; a model with all its versions; or a folder of
            models. What is neither is passed over.
    """
    path = path.resolve()
    if (path / GRAPH).is_file():
        return {path.parent.name: {int(path.name) if path.name.isdecimal() else 1: path}}
    if found := _versions(path):
        return {path.name: found}
    inside = sorted(path.iterdir()) if path.is_dir() else []
    return {model.name: found for model in inside if (found := _versions(model))}


def passed_over(path: Path) -> list[str]:
    """The names of scikit-learn's models in a folder of models, which TensorFlow cannot serve."""
    inside = sorted(path.resolve().iterdir()) if path.is_dir() else []
    return [model.name for model in inside if _versions(model, ESTIMATOR)]


def check_models(path: Path) -> None:
    """Refuses a path where no model lies.

    Raises:
        ModelError: what lies there instead, and what to do.
    """
    if not models_in(path):
        find_version(path)


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of each file: another one says that a version is not what it was."""
    found = []
    for file in sorted(folder.rglob("*")):
        try:
            stat = file.stat()
        except OSError:
            continue  # gone since it was listed
        found.append((str(file), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _versions(model: Path, holding: str = GRAPH) -> dict[int, Path]:
    try:
        return {number: model / str(number) for number in versions(model, holding)}
    except OSError:
        return {}
