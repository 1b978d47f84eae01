"""The port for programs that hand bytes on: pipelines, and a program that is talked to. Real in `agent.real.pipes`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

_BROKEN_PIPE: Final = (-13, 141)
"""How a program ends whose reader has ended before it; the second as shells and Podman say it."""


@dataclass(frozen=True)
class Ended:
    """How a program of a pipeline ended: its exit status (127: not installed, below 0: the signal) and the end of what it
    wrote to standard error, at most 8 KiB."""

    program: str
    code: int
    said: str = ""


class PipeBroken(Exception):
    """Not all programs of a pipeline ended well: what came out of it is not to be used."""

    def __init__(self, stages: Sequence[Ended], why: str = "") -> None:
        self.stages = tuple(stages)
        failed = [stage for stage in stages if stage.code]
        own = [stage for stage in failed if stage.code not in _BROKEN_PIPE]
        self.first = next(iter(own or failed), Ended("", 0))
        """The one to blame: others end because their reader did."""
        self.said = self.first.said.strip()
        lines = self.said.splitlines()
        cause = (
            f"{self.first.program} ended with status {self.first.code}: {lines[-1] if lines else 'no output'}"
        )
        super().__init__(why or cause)


class Session(Protocol):
    """A program that answers what it is asked, line by line."""

    def ask(self, text: str, until: str, timeout_s: float = 60) -> list[str]:
        """Its lines after this text (which ends with a line break), up to one that is `until`, which is left out.

        Raises PipeBroken when it ends or gives no answer in time.
        """


class Pipes(Protocol):
    def flow(
        self,
        stages: Sequence[Sequence[str]],
        source: Iterable[bytes] | None = None,
        *,
        unless: Callable[[], object] = lambda: False,
    ) -> Generator[bytes, None, None]:
        """What the last of these programs writes, each reading what the one before writes, the first reading `source`.

        No shell in between; secrets are in files that the programs read, never among their words. Once the generator is
        exhausted without an error, every program has ended with status 0: nothing may be acted upon before. An empty piece
        stands for a second in which nothing came. An error of `source` ends the programs before they see an end of their
        input, and is raised here. The programs are ended with this generator (whoever takes no more closes it), and soon
        after `unless` says so. Raises PipeBroken.
        """

    def session(self, argv: Sequence[str]) -> AbstractContextManager[Session]:
        """A program to talk to; its standard input is closed at the end, and it is ended unless it ends by itself then.

        Raises PipeBroken when it can't be started.
        """


def run(
    pipes: Pipes,
    stages: Sequence[Sequence[str]],
    source: Iterable[bytes] | None = None,
    *,
    unless: Callable[[], object] = lambda: False,
) -> None:
    """Run a pipeline whose last program writes nothing that matters. Raises PipeBroken, and what `source` raises."""
    for _ in pipes.flow(stages, source, unless=unless):
        pass
