"""Requests of a pipeline: made from events, from another stack's pins or from the environment, and given to runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from codeb.model import (
    DocumentErrors,
    Manifests,
    Settings,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.model.asked import repository as repository_of
from codeb.registry import RUNNING
from ops.ci.context import CiError
from ops.ci.payload import Release, checked, text
from ops.request import VARIABLE, asking, request_text
from ops.tree import tree

_LARGEST: Final = 64 << 10


def files(folder: Path, stack: str) -> str:
    """The hash of what a run of the stack reads in the folder, whatever is asked for beside it."""
    with asking(""):
        return tree(folder, stack)


def given(environ: Mapping[str, str]) -> str:
    """The request that a job before this one has handed over; "" for none. Raises CiError."""
    found = environ.get(VARIABLE, "").strip()
    if not found:
        return ""
    if len(found.encode()) > _LARGEST:
        raise CiError(f"{VARIABLE} is larger than {_LARGEST >> 10} KiB")
    if not isinstance(_json(found), dict):
        raise CiError(f"{VARIABLE} is no JSON object: take the output `request` of `codeb ci plan`")
    return found


def images_of(request: str) -> Mapping[str, str]:
    """The images that a request asks for, by project."""
    found = _json(request)
    images = found.get("images") if isinstance(found, dict) else None
    return {str(key): str(value) for key, value in images.items()} if isinstance(images, dict) else {}


def of_release(release: Release, manifests: Manifests) -> str:
    """The request of an app's release. Raises CiError when it isn't of the project's manifest."""
    checked(manifests, release.project, release.image, release.source.repository)
    return request_text({release.project: release.image}, {}, [])


def served(outputs: Mapping[str, Any], project: str) -> str | None:
    """The image that a project serves by a stack's outputs, "" when none has ever started; None when they don't tell."""
    registry = outputs.get("registry")
    projects = registry.get("projects") if isinstance(registry, Mapping) else None
    entry = projects.get(project) if isinstance(projects, Mapping) else None
    if not isinstance(entry, Mapping):
        return None
    if entry.get("status") == "planned":
        return ""
    image = entry.get("image") if entry.get("status") in RUNNING else None
    return image if isinstance(image, str) else None


def of_pins(outputs: Mapping[str, Any], manifests: Manifests, source: str) -> tuple[str, Sequence[str]]:
    """The request for what another stack was asked to run and serves, and what is left out with the reason; "" for nothing.
    Pins are kept as soon as an update begins, and after one that fails: they alone prove nothing.

    Raises:
        CiError: the other stack's registry is not what a registry should be.
    """
    registry = outputs.get("registry")
    pins = registry.get("images", {}) if isinstance(registry, Mapping) else {}
    if not isinstance(pins, Mapping):
        raise CiError(f"the registry of stack {source} has no images by project")
    images, left_out = {}, []
    for project, pin in sorted(pins.items()):
        image = text("image", pin.get("image") if isinstance(pin, Mapping) else None)
        if text("project", project) not in manifests.files:
            left_out.append(f"{project}: stack {source} runs it; this stack has no manifest for it")
        elif (wanted := repository_of(manifests[project].environment.image)) != repository_of(image):
            left_out.append(f"{project}: stack {source} runs {image}; this stack's manifest wants {wanted}")
        elif (serves := served(outputs, project)) not in (None, image):
            left_out.append(
                f"{project}: stack {source} is to run {image}, but serves {serves or 'nothing yet'}: not proven there"
            )
        else:
            images[project] = image
    return (request_text(images, {}, []) if images else ""), left_out


def read_stack(folder: Path, stack: str) -> tuple[Settings, Manifests]:
    """The stack's settings and manifests. Raises CiError with every problem."""
    try:
        settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
        return settings, load_manifests(read_sources(folder / settings.manifests), settings)
    except DocumentErrors as error:
        raise CiError(str(error)) from None


def _json(found: str) -> object:
    try:
        return json.loads(found) if found else None
    except (ValueError, RecursionError):
        return None
