"""What a run is to bring about: manifests, and beside them what earlier runs keep and what this one is asked for.

Who comes first: what is asked for now; then what the registry keeps. A manifest that names another image than when one was
deployed in its place has the last word; a preview environment ends with a request, or with its project's manifest. Numbers
of servers are `codeb.plan.scaled`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codeb import names
from codeb.model import (
    Asked,
    Derived,
    Manifest,
    Manifests,
    Opening,
    Previews,
    Problem,
    RequestErrors,
    Settings,
    with_derived,
)
from codeb.model.asked import problem, repository
from codeb.plan.kept import Kept, Pin, Preview, read_kept
from codeb.plan.previews import manifest_of
from codeb.plan.scaled import count_notes, count_problems, counts

_LONGEST_ID = 40
_CLOSE = "`codeb ci environments close` ends it (docs/previews.md)."


@dataclass(frozen=True)
class Wanted:
    """Manifests with the images that run, those of preview environments among them, and what the registry is to keep."""

    manifests: Manifests
    kept: Kept


def merged(manifests: Manifests, settings: Settings, previous: object, asked: Asked | None = None) -> Wanted:
    """What `manifests` and `asked` come to, with what the `previous` registry keeps.

    Raises:
        RequestErrors: what is asked for can't be; names every reason.
        ManifestErrors: a preview environment does not go with a manifest, or with another one.
        PlanError: the registry can't be understood.
    """
    asked, before = asked or Asked(), read_kept(previous)
    previews = _previews(manifests, before, asked)
    problems = [
        *count_problems(settings, asked),
        *_image_problems(manifests, asked),
        *_opening_problems(manifests, settings, previous, asked, before, previews),
        *_problems(manifests, settings, before, previews),
    ]
    if problems:
        raise RequestErrors(problems)
    images = _images(manifests, before, asked)
    pinned = _with_images(manifests, images)
    limits = settings.previews
    derived = [_derived(manifests, key, each, settings, limits) for key, each in previews.items() if limits]
    pools, meanwhile = counts(settings, before, asked)
    notes = (
        *_image_notes(manifests, before, images, asked),
        *_preview_notes(manifests, before, previews),
        *count_notes(settings, before, pools, asked),
    )
    made = with_derived(pinned, derived, settings) if derived else pinned
    return Wanted(made, Kept(images, previews, notes, pools, meanwhile))


def _images(manifests: Manifests, before: Kept, asked: Asked) -> dict[str, Pin]:
    found = {}
    for manifest in manifests:
        image, pin = manifest.environment.image, before.images.get(manifest.id)
        if manifest.id in asked.images:
            found[manifest.id] = Pin(asked.images[manifest.id], image)
        elif pin is not None and pin.instead_of == image and manifest.id not in asked.unpin:
            found[manifest.id] = pin
    return found


def _with_images(manifests: Manifests, images: Mapping[str, Pin]) -> Manifests:
    def running(manifest: Manifest) -> Manifest:
        pin = images.get(manifest.id)
        if pin is None:
            return manifest
        environment = manifest.environment.model_copy(update={"image": pin.image})
        return manifest.model_copy(update={"environment": environment})

    return Manifests(tuple(map(running, manifests)), manifests.files)


def _previews(manifests: Manifests, before: Kept, asked: Asked) -> dict[str, Preview]:
    """Those that are to be there, in order of id."""
    found = {
        key: each
        for key, each in before.previews.items()
        if each.project in manifests.files and key not in asked.previews.close
    }
    found |= {
        key: Preview(each.project, each.pull, each.image, each.until)
        for key, each in asked.previews.open.items()
    }
    return dict(sorted(found.items()))


def _derived(
    manifests: Manifests, key: str, preview: Preview, settings: Settings, limits: Previews
) -> Derived:
    value = manifest_of(manifests[preview.project], preview, limits, limits.domain or settings.domain)
    file = f"{manifests.files[preview.project]} (preview environment {key})"
    return Derived(file, preview.project, value, f"Or end the preview environment: {_CLOSE}")


def _image_problems(manifests: Manifests, asked: Asked) -> Iterator[Problem]:
    for project, image in asked.images.items():
        yield from _not_of(manifests, project, image, f"images.{project}", f"images.{project}")


def _not_of(manifests: Manifests, project: str, image: str, at: str, image_at: str) -> Iterator[Problem]:
    """What is wrong with an image for a project."""
    if project not in manifests.files:
        yield problem(at, "no manifest has this id", "Add its manifest first, or correct the id.")
        return
    own = repository(manifests[project].environment.image)
    if repository(image) != own:
        cause = f"{repository(image)} is not the repository that {manifests.files[project]} names"
        yield problem(image_at, cause, f"Push to {own}, or name the other one in environment.image.")


def _opening_problems(
    manifests: Manifests,
    settings: Settings,
    previous: object,
    asked: Asked,
    before: Kept,
    previews: Mapping[str, Preview],
) -> Iterator[Problem]:
    new = sorted(asked.previews.open.keys() - before.previews.keys())
    for key, opening in sorted(asked.previews.open.items()):
        yield from _not_of(
            manifests,
            opening.project,
            opening.image,
            f"previews.open.{key}.project",
            f"previews.open.{key}.image",
        )
        yield from _name_problems(key, opening, previous if key in new else None)
    limits = settings.previews
    if limits and new and len(previews) > limits.max:
        others = ", ".join(key for key in previews if key not in new) or "none"
        cause = f"{len(previews)} preview environments are more than {limits.max} (codeb:previews.max); open are: {others}"
        yield problem(f"previews.open.{new[0]}", cause, "Close one, or raise codeb:previews.max.")


def _name_problems(key: str, opening: Opening, previous: object) -> Iterator[Problem]:
    at = f"previews.open.{key}"
    if len(key) > _LONGEST_ID:
        room = _LONGEST_ID - len(key) + len(opening.project)
        cause = f"has {len(key)} characters, and ids have {_LONGEST_ID} at most"
        yield problem(
            at, cause, f"Only a project whose id has up to {room} can have this pull request's environment."
        )
    projects = previous.get("projects", {}) if isinstance(previous, Mapping) else {}
    if key in projects:
        cause = "is a project of its own, whose data the stack holds"
        yield problem(
            at, cause, "Nothing of it is given to a pull request: rename that project, or do without."
        )


def _problems(
    manifests: Manifests, settings: Settings, before: Kept, previews: Mapping[str, Preview]
) -> Iterator[Problem]:
    """What does not go together, whoever asked for it."""
    if previews and settings.previews is None:
        remedy = "Write codeb:previews: {max: 5} on a stack with codeb:development: true, or close them."
        cause = f"is not set, and there are to be preview environments: {', '.join(previews)}"
        yield Problem("codeb:previews", 0, 0, "", cause, remedy)
    for key in sorted(before.previews.keys() - previews.keys()):
        if key in manifests.files:
            cause = f"{key} is a preview environment that ends in this run, data and all"
            remedy = "Deploy once without this manifest, or choose another id."
            yield Problem(manifests.files[key], 0, 0, "project.id", cause, remedy)
    for project in sorted({each.project for each in previews.values()}):
        key = names.preview_secrets(project)
        if key in manifests.files:
            cause = f"codeb:projectSecrets.{key} are its secrets, and would be those of {project}'s preview environments"
            remedy = f"Choose another id, or close the preview environments of {project}."
            yield Problem(manifests.files[key], 0, 0, "project.id", cause, remedy)


def _image_notes(
    manifests: Manifests, before: Kept, images: Mapping[str, Pin], asked: Asked
) -> Iterator[str]:
    for project, pin in before.images.items():
        if project in manifests.files and project not in images:
            image = manifests[project].environment.image
            why = "was taken back" if project in asked.unpin else f"ends, as its manifest names {image} now"
            yield f"{project}: the deployed {pin.image} {why}."
    for project, image in sorted(asked.images.items()):
        yield f"{project}: {image} is deployed in place of its manifest's {images[project].instead_of}."
    held = sorted(images.keys() - asked.images.keys())
    if held:
        yield f"Deployed images run in place of the manifests' (registry.images): {', '.join(held)}."


def _preview_notes(manifests: Manifests, before: Kept, previews: Mapping[str, Preview]) -> Iterator[str]:
    for key, preview in previews.items():
        was = before.previews.get(key)
        if was is None:
            yield f"{key}: preview environment of {preview.project}'s pull request {preview.pull}, until {preview.until}."
        elif was.image != preview.image:
            yield f"{key}: preview environment with another image, until {preview.until}."
    for key in sorted(before.previews.keys() - previews.keys()):
        project = before.previews[key].project
        why = "was closed" if project in manifests.files else f"goes with {project}"
        yield f"{key}: preview environment that {why}: it ends, data and all."
