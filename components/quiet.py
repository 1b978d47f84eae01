"""The SDK's debug messages, which the CLI throws away."""

from __future__ import annotations

import os
from typing import Any, Final

from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import SETTINGS, get_engine

DEBUG: Final = "PULUMI_OPTION_DEBUG"
"""Pulumi's variable for `--debug`; of the option itself a program is not told."""


class _WithoutDebug:
    """The engine's service, but debug messages go nowhere."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def Log(self, request: engine_pb2.LogRequest) -> None:
        if request.severity != engine_pb2.DEBUG:
            self._engine.Log(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def drop_debug_messages() -> None:
    """Keep the SDK's debug messages from the engine, unless PULUMI_OPTION_DEBUG is set.

    The SDK sends four for each resource, waits for an answer to each, and does nothing else meanwhile.
    """
    if not os.environ.get(DEBUG):
        SETTINGS.engine = _WithoutDebug(get_engine())
