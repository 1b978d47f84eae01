"""Servers in memory that tell lines, as agents do for `logs`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from codeb.ssh import SshTarget
from ops.ssh import SshError

ANSWER: Mapping[str, Any] = {"ok": True, "end": True, "here": True, "warnings": []}


def line(second: float, text: str, kind: str = "app", **more: str) -> dict[str, Any]:
    return {"at": f"2026-11-27T12:00:{second:09.6f}Z", "kind": kind, **more, "text": text}


@dataclass
class Telling:
    """What one server tells; with `goes_on` it then waits until somebody logs out."""

    documents: Sequence[Mapping[str, Any]] = (ANSWER,)
    problem: str = ""
    goes_on: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        yield from self.documents
        if self.problem:
            raise SshError(self.problem)
        if self.goes_on:
            assert self.over.wait(10), "nobody logged out"

    def end(self) -> None:
        self.over.set()


@dataclass
class Tellers:
    """The servers by their last number; `sent` is what they were asked, `left` who was logged out of."""

    tellings: Mapping[int, Telling]
    sent: list[Mapping[str, Any]] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    @contextmanager
    def tell(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
        assert verb == "logs"
        number = int(target.address.rpartition(".")[2])
        self.sent.append(document)
        try:
            yield self.tellings[number]
        finally:
            self.left.append(number)
