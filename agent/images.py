"""Images: pulled before anything stops, resolved to a digest, removed when nobody can go back to them."""

from __future__ import annotations

import json

from agent import commands, record, units
from agent.errors import Failed
from agent.ports import Ports
from agent.record import Image
from agent.spec import Spec

_PULL_S = 900


def resolve(ports: Ports, spec: Spec) -> Image:
    """Bring the image here as `pull` says, and name it so that it can't change. Raises Failed."""
    there = ports.runner.run(commands.image_exists(spec.image)).ok
    if spec.pull == "never" and not there:
        raise Failed(
            "pull",
            f"image {spec.image} is not on this host",
            "build or load it there, or allow pulls (imagePull)",
        )
    if spec.pull == "always" or (spec.pull == "missing" and not there):
        units.must(
            ports,
            commands.pull(spec.image),
            "pull",
            f"check that {spec.image} exists and that this host reaches the registry, then run again",
            _PULL_S,
        )
    return _inspect(ports, spec)


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
    repository = _repository(spec.image)
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


def _repository(reference: str) -> str:
    """`host:5000/team/app:1` → `host:5000/team/app`."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def prune(ports: Ports, project: str, image: Image) -> None:
    """Remove an image that this project left, unless a colour of any project still names it.

    A refusal by podman (in use, or in a read-only store) is fine: it costs disk, nothing else.
    """
    for name in record.known_projects(ports):
        known = record.load(ports, name)
        if known and any(colour.image.id == image.id for colour in known.colours.values()):
            return
    result = ports.runner.run(commands.remove_image(image.id), timeout_s=120)
    ports.journal.log(
        f"{project}: image {image.digest} {'removed' if result.ok else 'kept: ' + result.text[:200]}"
    )
