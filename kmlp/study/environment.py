"""Where a run folder was made, with names and types; what a later release adds is left alone."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from kmlp.errors import RunFolderError
from kmlp.study.provenance import stored_environment
from kmlp.study.results.records.base import Record, first_fault
from kmlp.study.results.records.study import DataFacts
from kmlp.study.run_folder import RunFolder


class _Read(Record):
    model_config = ConfigDict(extra="ignore")


class Origin(_Read):
    """Where the data came from."""

    name: str
    source: str
    location: str
    sha256: str
    file_sha256: str = ""

    @property
    def hashes(self) -> dict[str, str]:
        """By what each is of; of a file its own, which `sha256sum` says, too."""
        of_file = {"sha256 of the file": self.file_sha256} if self.file_sha256 else {}
        return {**of_file, "hash of the data as used": self.sha256}


class Machine(_Read):
    """What trained; `backend` and `device` are unknown of the first folders."""

    python: str
    platform: str
    packages: Mapping[str, str | None]
    backend: str | None = None
    device: str | None = None

    @property
    def versions(self) -> str:
        """Of the packages, in a line."""
        return ", ".join(f"{name} {version or '–'}" for name, version in self.packages.items())


class Environment(Machine):
    """The first machine of a folder, its data, and the machines that went on.

    Attributes:
        data, dataset: where they came from, and what they are.
        warnings: what was told of the data before anything trained.
        columns: of a table, its schema as `Schema.from_dict` takes it; None of arrays.
        later: the machines that went on.
    """

    data: Origin
    dataset: DataFacts
    warnings: tuple[str, ...] = ()
    columns: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    later: tuple[Machine, ...] = ()


def read_environment(folder: RunFolder) -> Environment:
    """What a folder says of where it was made.

    Raises:
        RunFolderError: it is missing or not what kmlp writes.
    """
    try:
        return Environment.model_validate(stored_environment(folder))
    except ValidationError as error:
        raise RunFolderError(
            f"{folder.path / 'environment.json'}: not what kmlp writes there: "
            f"{first_fault(error)}. Restore it from a copy, or name another folder with --out."
        ) from error
