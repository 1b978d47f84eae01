"""What a deployment asked for and could not bring about is not asked for any longer.

The stack keeps what it is asked for, so an image that does not start would fail every later run, those of other apps too.
What served goes on serving whatever becomes of the request: the agents put a failed release back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from codeb.model import Manifests
from ops.request import request_text


@dataclass(frozen=True)
class TakenBack:
    """The request that takes back, and in words what it does, by project."""

    request: str
    said: tuple[str, ...]


def taken_back(
    request: str, failed: Collection[str], outputs: Mapping[str, Any], manifests: Manifests
) -> TakenBack | None:
    """What of a request has failed, as it was before; None when nothing of it did.

    Args:
        failed: names of resources whose step failed (`components.project` names them `<project>-…`).
        outputs: the stack's before the update.
    """
    asked, before = _mapping(json.loads(request) if request else {}), _mapping(outputs.get("registry"))
    pins, previews = _mapping(before.get("images")), _mapping(before.get("previews"))
    opened = _mapping(_mapping(asked.get("previews")).get("open"))
    ill = [each for each in sorted({*_mapping(asked.get("images")), *opened}) if _is_of(each, failed)]
    if not ill:
        return None
    images = {each: str(_mapping(pins[each]).get("image")) for each in ill if _counts(each, pins, manifests)}
    again = {each: _opening(previews[each]) for each in ill if each in opened and each in previews}
    close = [each for each in ill if each in opened and each not in previews]
    unpin = [each for each in ill if each not in images and each not in opened]
    said = [
        *(
            f"{each}: its image is taken back, {image} is deployed as before"
            for each, image in images.items()
        ),
        *(f"{each}: its image is taken back, its manifest's counts as before" for each in unpin),
        *(f"{each}: it has its image of before" for each in again),
        *(f"{each}: it is closed again" for each in close),
    ]
    return TakenBack(request_text(images, again, close, unpin), tuple(said))


def _counts(project: str, pins: Mapping[str, Any], manifests: Manifests) -> bool:
    """Whether a deployed image still stood in place of the manifest's: an edited manifest has ended it."""
    pin = _mapping(pins.get(project))
    return project in manifests.files and pin.get("instead_of") == manifests[project].environment.image


def _is_of(project: str, resources: Collection[str]) -> bool:
    own = tuple(f"{project}-{kind}" for kind in ("release-", "route-"))
    return any(each.startswith(own) for each in resources)


def _opening(entry: object) -> dict[str, object]:
    found = _mapping(entry)
    return {**found, "pull": int(found["pull"])}  # the CLI prints numbers as it likes


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
