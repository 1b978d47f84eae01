"""What a deployment asked for and could not bring about is not asked for any longer.

The stack keeps what it is asked for, so an image that does not start would fail every later run, those of other apps too.
What served goes on serving whatever becomes of the request: the agents put a failed release back. A job that was cut has
left its request in the stack: what fails of it later, and does not serve, is taken back by the run in which it fails.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from codeb.fleet.values import mapping
from codeb.model import Manifests
from codeb.model.asked import repository as repository_of
from ops.ci.asking import served
from ops.ci.payload import is_pinned
from ops.request import request_text


@dataclass(frozen=True)
class TakenBack:
    """The request that takes back, and in words what it does, by project."""

    request: str
    said: tuple[str, ...]


@dataclass
class _Back:
    """What is asked for instead."""

    images: dict[str, str] = field(default_factory=dict)
    unpin: list[str] = field(default_factory=list)
    again: dict[str, dict[str, object]] = field(default_factory=dict)
    close: list[str] = field(default_factory=list)

    def said(self) -> Iterator[str]:
        for each, image in self.images.items():
            yield f"{each}: its image is taken back, {image} is deployed as before"
        for each in self.unpin:
            yield f"{each}: its image is taken back, its manifest's counts as before"
        for each in self.again:
            yield f"{each}: it has its image of before"
        for each in self.close:
            yield f"{each}: it is closed again"


def taken_back(
    request: str, failed: Collection[str], outputs: Mapping[str, Any], manifests: Manifests
) -> TakenBack | None:
    """What of a request has failed, as it was before; None when nothing of it did.

    Args:
        failed: names of resources whose step failed (`components.project` names them `<project>-…`).
        outputs: the stack's before the update.
    """
    asked, before = mapping(json.loads(request) if request else {}), mapping(outputs.get("registry"))
    images, opened = mapping(asked.get("images")), mapping(mapping(asked.get("previews")).get("open"))
    pins, previews = mapping(before.get("images")), mapping(before.get("previews"))
    ending = mapping(asked.get("previews")).get("close")
    ill = _owners(failed, {*manifests.files, *images, *opened, *previews})
    ill -= {each for each in (ending if isinstance(ending, list) else ()) if isinstance(each, str)}
    back = _Back()
    for each in sorted(ill & {*images, *pins}):
        _project(back, each, images.get(each), pins, outputs, manifests)
    for each in sorted(ill & {*opened, *previews}):
        _preview(back, each, mapping(opened.get(each)).get("image"), mapping(previews.get(each)), outputs)
    said = tuple(back.said())
    return TakenBack(request_text(back.images, back.again, back.close, back.unpin), said) if said else None


def _project(
    back: _Back,
    project: str,
    asked: object,
    pins: Mapping[str, Any],
    outputs: Mapping[str, Any],
    manifests: Manifests,
) -> None:
    pin = mapping(pins.get(project)).get("image") if _counts(project, pins, manifests) else None
    serves = served(outputs, project)
    if asked is None and (pin is None or serves is None):
        return
    if pin is not None and pin == serves and asked in (None, pin):
        return  # it is what serves: something else has failed
    if pin is not None and pin != asked and serves in (None, pin):
        back.images[project] = str(pin)
    elif pin is not None and serves and serves != asked and _is_of(manifests, project, serves):
        back.images[project] = serves  # the pin is what a cut job has left
    else:
        back.unpin.append(project)


def _preview(
    back: _Back, name: str, asked: object, before: Mapping[str, Any], outputs: Mapping[str, Any]
) -> None:
    if not before:
        back.close.append(name)
        return
    serves = served(outputs, name)
    image = before.get("image") if serves is None else serves
    if image == "":
        back.close.append(name)  # it has never started
    elif image != (before.get("image") if asked is None else asked):
        # the CLI prints numbers as it likes
        back.again[name] = {**before, "image": image, "pull": int(before["pull"])}


def _counts(project: str, pins: Mapping[str, Any], manifests: Manifests) -> bool:
    """Whether a deployed image still stood in place of the manifest's: an edited manifest has ended it."""
    pin = mapping(pins.get(project))
    return project in manifests.files and pin.get("instead_of") == manifests[project].environment.image


def _is_of(manifests: Manifests, project: str, image: str) -> bool:
    """Whether it may be asked for: by digest, of the manifest's repository."""
    return is_pinned(image) and repository_of(image) == repository_of(manifests[project].environment.image)


def _owners(resources: Collection[str], projects: Collection[str]) -> set[str]:
    """Whose releases and routes these are: `shop-release-release-codeb1` is of `shop-release`, not of `shop`."""
    found = set()
    for resource in resources:
        fitting = [each for each in projects if resource.startswith((f"{each}-release-", f"{each}-route-"))]
        found.update(sorted(fitting, key=len)[-1:])
    return found
