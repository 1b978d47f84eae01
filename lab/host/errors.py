"""The one error of the lab: what happened and what to do about it."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab cannot go on without.

    ``cause`` says what is wrong (with the file or command concerned), ``remedy`` what the reader should do.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}\n  what to do: {remedy}")
        self.cause = cause
        self.remedy = remedy
