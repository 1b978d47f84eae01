"""Which resources an operation is limited to (`--target`, `--replace`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.engine.errors import EngineError


class Targets:
    """URNs and globs: `*` matches within one part of a URN, `**` anything. No targets means all resources."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        patterns = list(patterns)
        self._literals = {pattern for pattern in patterns if "*" not in pattern}
        self._globs = [_compile(pattern) for pattern in patterns if "*" in pattern]

    def __bool__(self) -> bool:
        return bool(self._literals or self._globs)

    def __contains__(self, urn: str) -> bool:
        if not self:
            return True
        return urn in self._literals or any(glob.fullmatch(urn) for glob in self._globs)

    def copy(self) -> Targets:
        """Targets that can grow by themselves."""
        other = Targets()
        other._literals, other._globs = set(self._literals), self._globs
        return other

    def add(self, urn: str) -> None:
        """Target one more resource; without effect when everything is targeted."""
        if self:
            self._literals.add(urn)

    def check(self, known: Iterable[str]) -> None:
        """Every target must exist.

        Raises:
            EngineError: one does not; the message names it.
        """
        unknown = sorted(self._literals - set(known))
        if unknown:
            raise EngineError("\n".join(_unknown(urn) for urn in unknown))


def _unknown(urn: str) -> str:
    hint = "" if "$" in urn else " Did you forget to escape $ in your shell?"
    return f"Target '{urn}' could not be found in the stack.{hint}"


def _compile(glob: str) -> re.Pattern[str]:
    parts = ("[^:]*".join(map(re.escape, part.split("*"))) for part in glob.split("**"))
    return re.compile(".*".join(parts))
