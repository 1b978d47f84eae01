"""What an operation has done so far, kept beside the checkpoint so that a kill at any moment loses nothing.

The ledger works on resources as JSON documents. Each change is applied in memory and appended to a journal, one line a
change; the checkpoint is only ever written by folding the ledger, at the end of a run or, after a crash, at the start
of the next one. A step costs one line, whatever the size of the stack.

Records: `put key document` (add, or replace in place), `same old new` (carry a base resource over unchanged),
`done key` (gone, or carried over), `begin operation type document` and `end operation`. Keys `b<n>` are the resources
of the base checkpoint, `n<n>` those of this run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.engine.normalize import normalize

Record = list[Any]
Document = dict[str, Any]


class Ledger:
    """The resources of a stack in the course of an operation."""

    def __init__(self, base: list[Document]) -> None:
        self._base = {f"b{index}": document for index, document in enumerate(base)}
        self._new: dict[str, Document] = {}
        self._done: set[str] = set()
        self._operations: dict[str, Document] = {}

    def apply(self, record: Record) -> None:
        """Take one change into account."""
        kind, key = record[0], record[1]
        if kind == "put":
            (self._base if key in self._base else self._new)[key] = record[2]
        elif kind == "same":
            self._new[record[2]] = self._base[key] if key in self._base else self._new[key]
            self._done.add(key)
        elif kind == "done":
            self._done.add(key)
        elif kind == "begin":
            self._operations[key] = {"resource": record[3], "type": record[2]}
        elif kind == "end":
            self._operations.pop(key, None)

    def resources(self) -> list[Document]:
        """All resources in dependency order: those of this run, then what it has not touched."""
        return normalize([*self._alive(self._new), *self._alive(self._base)])

    def pending(self) -> list[Document]:
        """Operations that have begun and not ended."""
        return list(self._operations.values())

    def _alive(self, documents: dict[str, Document]) -> Iterator[Document]:
        return (document for key, document in documents.items() if key not in self._done)


def digest(text: str | None) -> str:
    """Names the checkpoint that a journal belongs to."""
    return hashlib.sha256((text or "").encode()).hexdigest()


class Journal:
    """The file that a ledger is kept in while an operation runs."""

    def __init__(self, path: Path, base: str) -> None:
        self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115 (closed by close())
        self._path = path
        self.append([["base", base]])

    def append(self, records: list[Record], *, flush: bool = True) -> None:
        """Add one change; with `flush` it, and all before it, survive the end of this process."""
        self._file.write(json.dumps(records, ensure_ascii=False, separators=(",", ":")) + "\n")
        if flush:
            self._file.flush()

    def sync(self) -> None:
        """Make what was flushed survive the end of the machine."""
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """The ledger is folded: the journal is not needed any more."""
        self._file.close()
        self._path.unlink()


def replay(path: Path, base: str, ledger: Ledger) -> bool:
    """Apply a journal that a run left behind; a torn last line is the change that did not happen.

    Returns:
        Whether there was anything to apply: a journal of another checkpoint was folded already and is skipped.
    """
    if not path.exists():
        return False
    applied = False
    for number, records in enumerate(_lines(path)):
        if number == 0:
            if records != [["base", base]]:
                return False
            continue
        for record in records:
            ledger.apply(record)
            applied = True
    return applied


def _lines(path: Path) -> Iterator[list[Record]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            yield json.loads(line)
