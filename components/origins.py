"""Where in the program each resource comes from, as Pulumi keeps it in the state."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FRAMES: Final = 10
"""Of a stack, innermost first: up to six are the SDK's own and not kept, so there is always one of ours."""


@contextmanager
def short_origins() -> Iterator[None]:
    """Resources declared in here remember the nearest lines of the program alone.

    Otherwise each also keeps some 15 frames of asyncio, of the SDK and of whatever started it, with the paths of the
    machine: 1.4 kB a resource, a fifth of the state, which an update writes over and over. The SDK asks Python for its
    stack, so Python's own limit counts; an error that leaves this block is shown whole.
    """
    before: int | None = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = FRAMES
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
