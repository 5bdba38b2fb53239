"""The files of a run folder that kmlp reads back: each is compared with what its ledger keeps.

Their hashes, and the text of those that are text, are rows of the ledger. `study.toml` in a run
folder is a record of what was asked, not an input: who edits it changes what the networks seem to
be, not what they are. So the ledger's copy is what kmlp goes by, and a file that differs from it
is refused by who only reads.
"""

import hashlib
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from kmlp.errors import RunFolderError
from kmlp.study.run_folder.integrity import FILE, Ledger, Row, file_row

_SHOWN = 60


class KeptFiles:
    """The files of one folder.

    Args:
        path: of the folder.
        ledger: its ledger.
        names: which of its files kmlp reads back.
    """

    def __init__(self, path: Path, ledger: Ledger, names: Sequence[str]) -> None:
        self.path, self.names, self._ledger = path, tuple(names), ledger

    def announce(self, name: str, content: bytes) -> None:
        """Adds what a file is about to hold to what it may hold: whenever the process dies, the
        file on the disk is one of these."""
        row = file_row(name, content)
        if self._ledger.path.exists() and self._rows(name)[-1:] != [row]:
            with self._ledger.connect() as connection:
                connection.execute(FILE.insert, row)

    def settle(self, name: str) -> None:
        """The file holds what was announced last, and may hold nothing else."""
        if len(self._rows(name)) > 1:
            with self._ledger.connect() as connection:
                connection.execute(
                    "DELETE FROM file WHERE name = ? AND rowid < "
                    "(SELECT max(rowid) FROM file WHERE name = ?)",
                    (name, name),
                )

    def as_they_are(self) -> dict[str, bytes]:
        """What lies there, by name."""
        paths = {name: self.path / name for name in self.names}
        return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}

    def text(self, name: str) -> str | None:
        """A file's text as the ledger keeps it; None in a folder of kmlp 0.1.0, which keeps none.

        Raises:
            RunFolderError: the ledger is damaged.
        """
        rows = self._rows(name)
        return rows[-1][2] if rows else None

    def check(self, name: str) -> None:
        """Refuses a file that was changed since kmlp wrote it.

        Raises:
            RunFolderError: it was, or the ledger is damaged.
        """
        if not (self.path / name).is_file():
            raise RunFolderError(f"{self.path}: no {name}; is this a run folder?")
        content = (self.path / name).read_bytes()
        if not self.is_changed(name, content):
            return
        kept = self.text(name) or ""
        raise RunFolderError(
            f"{self.path / name} was changed after kmlp wrote it"
            f"{_first_difference(kept, content.decode('utf-8', 'replace'))}. It is a record of "
            "what was run, not an input. The same command as before writes it anew; for other "
            "settings copy it elsewhere, and name another folder with --out."
        )

    def is_changed(self, name: str, content: bytes) -> bool:
        """Whether this is not what kmlp wrote; of a folder of kmlp 0.1.0 it is not known."""
        rows = self._rows(name)
        if not rows and not self._ledger.has_hashes():
            return False
        return hashlib.sha256(content).hexdigest() not in [row[1] for row in rows]

    def _rows(self, name: str) -> list[Row]:
        return [row for row in self._ledger.rows(FILE) if row[0] == name]


def _first_difference(kept: str, found: str) -> str:
    """The first line that differs, in words; nothing of what is no text.

    Example:
        >>> _first_difference("a = 1\\nb = 2", "a = 1\\nb = 3")
        ": line 2 is 'b = 3', was 'b = 2'"
    """
    pairs = enumerate(zip_longest(kept.splitlines(), found.splitlines(), fillvalue=""), start=1)
    for number, (was, now) in pairs if kept else ():
        if was != now:
            return f": line {number} is {now[:_SHOWN]!r}, was {was[:_SHOWN]!r}"
    return ""
