"""What works but had better be written otherwise: said by `codeb validate` and by previews, never an error."""

from __future__ import annotations

from collections.abc import Iterator

from codeb.model.hosts import is_wildcard
from codeb.model.loader import Manifests
from codeb.model.manifest import Manifest
from codeb.model.moving import moves
from codeb.model.problems import Problem

_SWITCH = (
    "features.websockets",
    "has no effect, as WebSockets need no switch",
    "Remove the line; docs/manifest.md says how long connections live.",
)
_MOVES = (
    "environment.image",
    "is a tag that moves: a release takes what it points at then, and nothing is released when it is pushed again",
    "Give each build a tag of its own.",
)
_WILDCARD = (
    "environment.aliases",
    "has wildcards, whose certificates a stack with codeb:tlsIssuer internal can sign, and one with acme can't",
    "Check it with --stack.",
)


def say_of_manifests(manifests: Manifests, *, without_stack: bool = False) -> tuple[Problem, ...]:
    """A hint for each line that had better go or be another, in order of id; `without_stack`: and for what only a
    stack's settings can tell."""
    return tuple(
        Problem(manifests.files[manifest.id], 0, 0, path, cause, remedy)
        for manifest in manifests
        if manifest.id not in manifests.derived  # which has the lines of the one it is made from
        for path, cause, remedy in _of(manifest, without_stack=without_stack)
    )


def _of(manifest: Manifest, *, without_stack: bool) -> Iterator[tuple[str, str, str]]:
    if without_stack and any(map(is_wildcard, manifest.environment.hosts)):
        yield _WILDCARD
    image = manifest.environment.image
    if moves(image):
        path, cause, remedy = _MOVES
        yield path, f"{image} {cause}", remedy
    if "websockets" in manifest.features.model_fields_set:
        yield _SWITCH
