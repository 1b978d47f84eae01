"""Apps of whoever uses this clone (`apps/<id>`): built as they are now, and deployed by what came of it.

A manifest whose image is `registry.lab.test:5000/apps/<id>:<tag>` gets the image of the folder of that name. An edited page
is another image of the same tag, so the stack is asked for its digest, by the same request as a pipeline makes
(docs/previews.md): what was built is what runs, and a rollback stays one until there is something new. The repository's own
apps (`lab.apps.APPS`) are asked for likewise, once their tag has been another image's.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from codeb.model import (
    DocumentErrors,
    RequestErrors,
    load_manifests,
    parse_request,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.names import REQUEST_VARIABLE
from lab import paths
from lab.apps import APPS
from lab.host import Lab, LabError
from lab.images.registry import NAME
from lab.pulumi.stack import Stack

FOLDER: Final = paths.REPO / "apps"
_IMAGE: Final = re.compile(rf"{re.escape(NAME)}/apps/([a-z0-9]+(?:-[a-z0-9]+)*):([\w.-]+)", re.ASCII)


@dataclass(frozen=True)
class OwnApp:
    """A folder of sources, its image's name and tag, and the projects that run it."""

    source: Path
    name: str
    tag: str
    projects: tuple[str, ...]
    shown: str
    """The folder as messages name it."""


def own_apps(stack: Stack, folder: Path = FOLDER) -> tuple[OwnApp, ...]:
    """The apps in `folder` that manifests of the stack run. None while its manifests are wrong: the update says how."""
    return tuple(app for app in _named(stack, folder) if _is_app(app.source))


def missing(stack: Stack, folder: Path = FOLDER) -> Iterator[str]:
    """Says of each manifest that names an app that isn't in `folder`, so that nobody waits for an edit elsewhere."""
    for app in _named(stack, folder):
        if not _is_app(app.source):
            for project in app.projects:
                yield f"manifests/{project}.yaml runs {app.shown}, which has no package.json here: nothing is built for it"


def _is_app(folder: Path) -> bool:
    return (folder / "package.json").is_file()


def _named(stack: Stack, folder: Path) -> tuple[OwnApp, ...]:
    """All that manifests name, whether it is there or not."""
    found: dict[tuple[str, str], list[str]] = {}
    for project, named in _images(stack):
        if image := _IMAGE.fullmatch(named):
            found.setdefault((image[1], image[2]), []).append(project)
    return tuple(
        OwnApp(folder / name, f"apps/{name}", tag, tuple(ids), f"apps/{name}")
        for (name, tag), ids in found.items()
    )


def _of_the_lab(stack: Stack) -> Iterator[OwnApp]:
    """The repository's own apps that manifests of the stack run."""
    images = list(_images(stack))
    for app in APPS:
        if projects := tuple(project for project, image in images if image == app.image):
            yield OwnApp(app.sources, app.name, app.tag, projects, app.folder)


def _images(stack: Stack) -> Iterator[tuple[str, str]]:
    """Each project and its image."""
    file = stack.project / f"Pulumi.{stack.name}.yaml"
    try:
        settings = parse_settings(read_stack_values(file), stack.name)
        manifests = load_manifests(read_sources(stack.project / settings.manifests), settings)
    except DocumentErrors:
        return
    yield from ((manifest.id, manifest.environment.image) for manifest in manifests)


def pushed(lab: Lab, stack: Stack, folder: Path = FOLDER) -> Stack:
    """Build and push what has changed: the stack that asks for what came of it.

    Raises:
        LabError: an app can't be built; nothing was deployed.
    """
    for said in missing(stack, folder):
        lab.progress.say(f"lab: {said}")
    images = {app: _push(lab, app) for app in own_apps(stack, folder)}
    for app in _of_the_lab(stack):
        digest = _push(lab, app)
        if lab.moved_tag(app.name, app.tag):
            images[app] = digest
    return _asking(stack, images)


def foreseen(lab: Lab, stack: Stack, folder: Path = FOLDER) -> Stack:
    """The stack as `pushed` leaves it, without building: what isn't built yet is said."""
    images = {}
    for said in missing(stack, folder):
        lab.progress.say(f"lab: {said}")
    own = own_apps(stack, folder)
    for app in (*own, *_of_the_lab(stack)):
        digest = lab.pushed_app(app.source, app.name, app.tag)
        if digest is None:
            lab.progress.say(
                f"lab: {app.shown} isn't built as it is now: `make lab` builds it, and releases what comes of it"
            )
        elif app in own or lab.moved_tag(app.name, app.tag):
            images[app] = digest
    return _asking(stack, images)


def _push(lab: Lab, app: OwnApp) -> str:
    try:
        return lab.push_app(app.source, app.name, app.tag)
    except LabError as error:
        remedy = (
            f"put it right in {app.shown} and run `make lab` again. Nothing was deployed. To deploy the others without it, "
            f"take away the manifest of {', '.join(app.projects)} for now"
        )
        raise LabError(f"{app.shown} can't be built: {error.cause}", remedy) from error


def _asking(stack: Stack, images: Mapping[OwnApp, str]) -> Stack:
    """The stack whose runs ask for these images. What the caller's own request says of a project counts."""
    wanted = dict(_by_project(images))
    said = {**os.environ, **stack.variables}.get(REQUEST_VARIABLE)
    try:
        given = parse_request(said)
    except RequestErrors:
        return stack  # the run says what is wrong with it
    ours = {
        project: image for project, image in wanted.items() if project not in (*given.images, *given.unpin)
    }
    if not ours:
        return stack
    request: dict[str, Any] = json.loads(said) if said else {"version": given.version}
    request["images"] = {**request.get("images", {}), **ours}
    return replace(stack, variables={**stack.variables, REQUEST_VARIABLE: json.dumps(request)})


def _by_project(images: Mapping[OwnApp, str]) -> Iterator[tuple[str, str]]:
    for app, digest in images.items():
        for project in app.projects:
            yield project, f"{NAME}/{app.name}@{digest}"
