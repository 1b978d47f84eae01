"""What a caller of the vault has to expect, without hvac, which may not be there."""

from __future__ import annotations

from codeb.model import Problem


class VaultError(Exception):
    """The vault can't be asked; the message names the path and no value."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
