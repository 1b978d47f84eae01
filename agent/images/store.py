"""Images: pulled before anything stops, resolved to a digest, removed when nobody can go back to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
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


def may_move(spec: Spec) -> bool:
    """Whether the image's name may stand for another image tomorrow, and a registry knows."""
    return spec.pull != "never" and "@" not in spec.image and not spec.image.startswith(_LOCAL)


def resolve(ports: Ports, spec: Spec, warn: Callable[[str], None], digest: str = "") -> Image:
    """Bring the image here as `pull` says, and name it so that it can't change. Raises Failed.

    A tag is asked of its registry each time, as it may have been pushed again; what is here already isn't fetched again.
    `digest` is what another server has found the tag to be.
    """
    _let_pruning_end(ports)
    pinned = bool(digest) and may_move(spec)
    reference = f"{repository_of(spec.image)}@{digest}" if pinned else spec.image
    there = ports.runner.run(commands.image_exists(reference)).ok
    if spec.pull == "never" and not there:
        raise Failed(
            "pull",
            f"image {spec.image} is not on this host",
            "build or load it there, or allow pulls (imagePull)",
        )
    if not there or (may_move(spec) and not pinned):
        _keep_findable(ports, repository_of(spec.image))
        try:
            pull.pull(ports, reference)
        except pull.Unreachable as error:
            if not there:
                raise
            warn(f"{error.failure.cause}: it runs what this host had of {reference}, which may be older")
    image = _inspect(ports, spec, reference, warn)
    _name(ports, image)
    return image


def _name(ports: Ports, image: Image) -> None:
    """A name of its own: Podman finds an image by its digest only while some name of its repository is its, and a tag that
    was pushed again takes its name along."""
    repository, digest = repository_of(image.reference), image.reference.partition("@")[2]
    if digest and not repository.startswith(_LOCAL):
        name = f"{repository}:codeb-{digest.partition(':')[2][:12]}"
        result = ports.runner.run(commands.tag_image(image.id, name))
        if not result.ok:
            ports.journal.log(f"{name}: {result.text[:300]}")


def _keep_findable(ports: Ports, repository: str) -> None:
    """Images that an earlier agent pulled have no name of their own yet."""
    for project in record.known_projects(ports):
        try:
            found = record.load(ports, project)
        except Failed:  # its own release says so
            continue
        for colour in found.colours.values() if found else ():
            if colour.image.reference.startswith(f"{repository}@"):
                _name(ports, colour.image)


def _let_pruning_end(ports: Ports) -> None:
    """Whoever prunes now may not know of this release yet; whoever prunes later sees its lock."""
    try:
        with ports.files.lock(paths.IMAGES_LOCK, _LOCK_S + _REMOVE_S):
            return
    except Busy as error:
        raise Failed(
            "pull", f"images are being removed: {error}", "wait for it to end and run again"
        ) from error


def _inspect(ports: Ports, spec: Spec, name: str, warn: Callable[[str], None]) -> Image:
    out = units.must(ports, commands.inspect_image(name), "pull", "see `podman image inspect` on the host")
    try:
        found = json.loads(out)
        image_id, digest = str(found["Id"]), str(found.get("Digest") or "")
        digests = [str(name) for name in found.get("RepoDigests") or []]
        volumes = sorted((found.get("Config") or {}).get("Volumes") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failed(
            "pull", f"podman described {name} unreadably: {error}", "check podman's version"
        ) from error
    if volumes:
        warn(_volatile(spec, volumes))
    repository = repository_of(spec.image)
    pinned = [found for found in digests if found.startswith(f"{repository}@")]
    if "@" in name:
        reference = name
    elif spec.pull == "never" or not pinned:
        reference = image_id
    else:
        reference = next((found for found in pinned if found.endswith(digest)), pinned[0])
    return Image(
        reference=reference, digest=reference.partition("@")[2] or digest or f"sha256:{image_id}", id=image_id
    )


def _volatile(spec: Spec, volumes: list[str]) -> str:
    """What becomes of data at the paths that an image declares as its volumes."""
    return (
        f"{spec.image} declares VOLUME {', '.join(volumes)}: what {spec.project} writes there is gone at each release "
        "and restart, and a release's two containers don't share it. Keep files in a bucket (resources.storage) and data "
        "in the database (resources.database)"
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
