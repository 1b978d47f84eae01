"""Errors that end an operation, each with a message for the user."""

from __future__ import annotations


class EngineError(Exception):
    """The operation can't go on; the message says what is wrong and what to do."""


class Unsupported(EngineError):
    """The program or the state uses a Pulumi feature that this engine does not have."""

    def __init__(self, feature: str) -> None:
        super().__init__(f"the lab engine does not support {feature}; use the pulumi CLI for this stack")


class Reported(EngineError):
    """The operation failed, and the reason has been shown already."""


class StepFailed(EngineError):
    """A step failed: the step's own error has been shown already."""
