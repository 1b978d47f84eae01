"""Images: pulled before anything stops, resolved to a digest, removed when nobody can go back to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.ports import Busy, Ports
from agent.images import in_units, pull
from agent.project import record
from agent.project.record import Image, Record
from agent.project.spec import Spec

_LOCK_S: Final = 120
_REMOVE_S: Final = 300
_MOST: Final = 200  # images that one run removes
_LOCAL: Final = "localhost/"  # nothing is pulled from there: such images were built here


def resolve(ports: Ports, spec: Spec) -> Image:
    """Bring the image here as `pull` says, and name it so that it can't change. Raises Failed."""
    _let_pruning_end(ports)
    there = ports.runner.run(commands.image_exists(spec.image)).ok
    if spec.pull == "never" and not there:
        raise Failed(
            "pull",
            f"image {spec.image} is not on this host",
            "build or load it there, or allow pulls (imagePull)",
        )
    if spec.pull == "always" or (spec.pull == "missing" and not there):
        pull.pull(ports, spec.image)
    return _inspect(ports, spec)


def _let_pruning_end(ports: Ports) -> None:
    """Whoever prunes now may not know of this release yet; whoever prunes later sees its lock."""
    try:
        with ports.files.lock(paths.IMAGES_LOCK, _LOCK_S + _REMOVE_S):
            return
    except Busy as error:
        raise Failed(
            "pull", f"images are being removed: {error}", "wait for it to end and run again"
        ) from error


def _inspect(ports: Ports, spec: Spec) -> Image:
    out = units.must(
        ports, commands.inspect_image(spec.image), "pull", "see `podman image inspect` on the host"
    )
    try:
        found = json.loads(out)
        image_id, digest = str(found["Id"]), str(found.get("Digest") or "")
        digests = [str(name) for name in found.get("RepoDigests") or []]
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(
            "pull", f"podman described {spec.image} unreadably: {error}", "check podman's version"
        ) from error
    repository = repository_of(spec.image)
    pinned = [name for name in digests if name.startswith(f"{repository}@")]
    if "@" in spec.image:
        reference = spec.image
    elif spec.pull == "never" or not pinned:
        reference = image_id
    else:
        reference = next((name for name in pinned if name.endswith(digest)), pinned[0])
    return Image(
        reference=reference, digest=reference.partition("@")[2] or digest or f"sha256:{image_id}", id=image_id
    )


def repository_of(reference: str) -> str:
    """`host:5000/team/app:1` → `host:5000/team/app`."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def prune(ports: Ports, project: str, left: Image | None = None, spec: Spec | None = None) -> None:
    """Remove the pulled images that nobody can go back to; call it when a release has settled or was put back.

    Of this project's repositories, and of all others with a record here, every image goes that no colour of any
    project and no unit names. `left` is an image that a release took the place of, `spec` what was to be
    released: they name repositories that the record may name no more. While another release is under way nothing
    is removed: a later one removes for all. Whatever goes wrong costs disk, nothing else, and is in the
    journal.
    """
    try:
        with ports.files.lock(paths.IMAGES_LOCK, _LOCK_S):
            owed = _owed(ports) | _forgotten(left, spec)
            if _others_at_work(ports, project):
                _owe(ports, owed)
            elif _prune(ports, project, owed):
                _owe(ports, set())
    except (Busy, OSError) as error:
        ports.journal.log(f"{project}: no image was removed: {error}")
    except Failed as error:
        ports.journal.log(f"{project}: no image was removed: {error.failure.cause}")


def leave(ports: Ports, known: Record) -> None:
    """Note the repositories of a project whose record goes, so that whoever prunes next knows of them.

    A project leaves whatever becomes of its images: what goes wrong here is in the journal.
    """
    try:
        with ports.files.lock(paths.IMAGES_LOCK, _LOCK_S):
            _owe(ports, _owed(ports) | set(_repositories([known])))
    except (Busy, OSError) as error:
        ports.journal.log(f"{known.project}: its images may stay: {error}")


def _owed(ports: Ports) -> set[str]:
    """Repositories whose images are still to go although no record names them."""
    return set((ports.files.read(paths.IMAGES_OWED) or b"").decode("utf-8", "replace").split())


def _owe(ports: Ports, repositories: set[str]) -> None:
    if repositories == _owed(ports):
        return
    if repositories:
        ports.files.write(paths.IMAGES_OWED, "\n".join(sorted(repositories)).encode())
    else:
        ports.files.remove(paths.IMAGES_OWED)


def _forgotten(left: Image | None, spec: Spec | None) -> set[str]:
    found = set()
    if left is not None and "/" in left.reference:
        found.add(repository_of(left.reference))
    if spec is not None and spec.pull != "never":
        found.add(repository_of(spec.image))
    return found


def _others_at_work(ports: Ports, project: str) -> bool:
    """Whether another project's lock is held: its new image may be named nowhere yet."""
    for name in ports.files.listing(paths.RECORDS):
        other = name.removesuffix(".lock")
        if other not in (name, project) and ports.files.held_since(paths.project_lock(other)) is not None:
            return True
    return False


def _prune(ports: Ports, project: str, owed: set[str]) -> bool:
    """Whether all went; an image in use stays, and so does one in a read-only store."""
    known = [found for name in record.known_projects(ports) if (found := record.load(ports, name))]
    repositories = {*_repositories(known), *owed}
    repositories = {name for name in repositories if not name.startswith(_LOCAL)}
    kept = {colour.image.id for found in known for colour in found.colours.values()}
    doomed = list(_doomed(_listing(ports), repositories, kept, set(in_units.named(ports.files))))[:_MOST]
    if not doomed:
        return True
    result = ports.runner.run(commands.remove_images(doomed), timeout_s=_REMOVE_S)
    ports.journal.log(
        f"{project}: images removed: {' '.join(doomed)}" + ("" if result.ok else f"; {result.text[:300]}")
    )
    return result.ok


def _repositories(known: Iterable[Record]) -> Iterator[str]:
    for found in known:
        for colour in found.colours.values():
            if colour.spec.pull != "never":
                yield repository_of(colour.spec.image)


def _listing(ports: Ports) -> list[dict[str, object]]:
    out = units.must(ports, commands.list_images(), "settle", "see `podman image ls` on the host")
    try:
        found = json.loads(out or "[]")
    except ValueError as error:
        raise Failed(
            "settle", f"podman listed images unreadably: {error}", "check podman's version"
        ) from error
    return [image for image in found if isinstance(image, dict)] if isinstance(found, list) else []


def _doomed(
    listing: Iterable[dict[str, object]], repositories: set[str], kept: set[str], named: set[str]
) -> Iterator[str]:
    """What to say to `podman image rm`: the names of an image in these repositories, its id when it has none."""
    for image in listing:
        image_id, names, digests = (
            str(image.get("Id", "")),
            _texts(image, "Names"),
            _texts(image, "RepoDigests"),
        )
        if not image_id or image_id in kept or named & {image_id, f"sha256:{image_id}", *names, *digests}:
            continue
        ours = [name for name in names if repository_of(name) in repositories]
        if ours:
            yield from ours
        elif (
            not names
            and {repository_of(name) for name in (*digests, *_texts(image, "History"))} & repositories
        ):
            yield image_id


def _texts(image: dict[str, object], key: str) -> list[str]:
    value = image.get(key)
    return [str(item) for item in value] if isinstance(value, list) else []
