"""Creations whose end nobody may have seen.

A provider that is killed, or whose CLI is, leaves things that no state knows: the next run would make them once more, or
fail because they are there. So a plugin notes each creation before it begins, and forgets its notes when the CLI ends it in
order, which it does after it has written the state. A note that is left makes the next creation of that resource a
takeover (`Provider.resume`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path


class Journal:
    """Notes in a folder, a file each; several processes may share it. Methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: set[Path] = set()
        self._made: set[Path] = set()

    def begin(self, urn: str) -> bool:
        """Note a creation; whether another process left a note of it."""
        note = self._note(urn)
        left = note not in self._own and note.exists()
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f"{urn}\n")
        self._own.add(note)
        return left

    def made(self, urn: str) -> None:
        """The creation went well, wholly or in part."""
        self._made.add(self._note(urn))

    def nothing_made(self, urn: str) -> None:
        """The creation failed, and what it was for is not there."""
        self._note(urn).unlink(missing_ok=True)

    def end(self) -> None:
        """What was made is in the state; what was cancelled may be there or not."""
        for note in self._made:
            note.unlink(missing_ok=True)

    def forget(self, prefix: str) -> None:
        """Drop the notes of URNs that begin so: an update of their stack went well, so all that it declares is known."""
        for note in self._folder.glob("*"):
            if note.read_text().startswith(prefix):
                note.unlink(missing_ok=True)

    def _note(self, urn: str) -> Path:
        return self._folder / hashlib.sha256(urn.encode()).hexdigest()
