"""What the projects that are there have in common: a new one is given the same where nobody says otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from codeb.model import DocumentErrors, Manifest, ManifestSource, load_manifests
from codeb.model.asked import repository
from ops.new.wanted import LAB, Usual

_LAB: Final = LAB.partition("/")[0]
_TAGS: Final = {_LAB: "1.0.0"}
_TAG: Final = "main"
"""What the workflows of `templates/app-ci` push for the newest commit; nobody pushes a version."""
_FOLDER: Final = re.compile(r"apps/([a-z0-9]+(?:-[a-z0-9]+)*)/?", re.ASCII)
_OF_MANY: Final = frozenset({
    "docker.io", "gcr.io", "ghcr.io", "public.ecr.aws", "quay.io", "registry.gitlab.com",
})  # fmt: skip
"""Registries in which the first part of a name says whose image it is. In others, one's own, new apps are below `apps/`."""


def usual(project: str, sources: Sequence[ManifestSource], domain: str = "", app: str = "") -> Usual:
    """The domain and image of a project beside those of `sources`; `domain` is the stack's own, `app` the app's folder.

    Manifests that are wrong count for nothing: whoever validates tells of them.
    """
    known = [manifest for source in sources for manifest in _read(source)]
    parent = _parent([each.environment.domain for each in known]) or domain or "example.com"
    owner = _owner([each.environment.image for each in known]) or "ghcr.io/example"
    host = owner.partition("/")[0]
    folder = _FOLDER.fullmatch(app)
    name = folder[1] if folder and host == _LAB else project  # the lab builds by the folder's name
    return Usual(f"{project}.{parent}", f"{owner}/{name}:{_TAGS.get(host, _TAG)}")


def _read(source: ManifestSource) -> tuple[Manifest, ...]:
    try:
        return tuple(load_manifests([source]))
    except DocumentErrors:
        return ()


def _parent(domains: Sequence[str]) -> str:
    """What all are below; "" for one alone, whose parent may be a registrar's (`co.kr`)."""
    parents = {domain.partition(".")[2] for domain in domains}
    parent = parents.pop() if len(parents) == 1 and len(domains) > 1 else ""
    return parent if "." in parent else ""


def _owner(images: Sequence[str]) -> str:
    """Registry and first part of the name that an image beside these has; "" when they come from several places."""
    names = [repository(image).split("/") for image in images]
    hosts = {name[0] for name in names}
    if len(hosts) != 1:
        return ""
    host = hosts.pop()
    if host not in _OF_MANY:
        return f"{host}/apps"
    owners = {name[1] for name in names if len(name) > 2}
    return f"{host}/{owners.pop()}" if len(owners) == 1 else ""
