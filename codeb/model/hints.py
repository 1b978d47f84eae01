"""What works but had better be written otherwise: said by `codeb validate` and by previews, never an error."""

from __future__ import annotations

from codeb.model.loader import Manifests
from codeb.model.problems import Problem

_CAUSE = "has no effect, as WebSockets need no switch"
_REMEDY = "Remove the line; docs/manifest.md says how long connections live."


def say_of_manifests(manifests: Manifests) -> tuple[Problem, ...]:
    """A hint for each line that could go, in order of id."""
    return tuple(
        Problem(manifests.files[manifest.id], 0, 0, "features.websockets", _CAUSE, _REMEDY)
        for manifest in manifests
        if "websockets" in manifest.features.model_fields_set
    )
