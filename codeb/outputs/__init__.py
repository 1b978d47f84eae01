"""What other programs may read of a stack: each output's version, and its shape as types.

`docs/outputs.md` makes the promise: within a version things are added, never taken away or given another meaning.
`components.platform` makes the outputs, `codeb schema --outputs` writes the shape as JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

VERSIONS: Final = {
    "registry": 1,
    "projects": 1,
    "servers": 1,
    "allocations": 1,
    "caCertificate": 1,
    "connections": 1,
    "fleet": 1,
    "costs": 1,
    "monitoring": 1,
}
"""The version of each output. The next version of one comes under a name of its own beside the old, as `registryV2`."""


def versions_of(outputs: Iterable[str]) -> dict[str, int]:
    """The output `versions` of a stack that has these outputs; KeyError for one without a version."""
    return {name: VERSIONS[name] for name in outputs}
