"""What ends a benchmark on the lab host before it has its figures, and how that is told."""

from __future__ import annotations

import sys
from typing import Final

from lab.bench.releases.ways import BenchError
from lab.host import LabError
from lab.load import LoadError

TROUBLES: Final = (BenchError, LabError, LoadError)


def explain(error: Exception) -> None:
    """Say what went wrong on stderr. Putting the stack back may fail too: what went wrong before that comes first."""
    if isinstance(error.__context__, TROUBLES):
        print(f"error: {error.__context__}", file=sys.stderr)
    print(f"error: {error}", file=sys.stderr)
