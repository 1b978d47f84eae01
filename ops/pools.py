"""Which pool of servers a project is in, by its manifest as it is in the folder."""

from __future__ import annotations

from pathlib import Path

import yaml

from codeb import names
from ops.access import FILE, LOADER, stack_values


def pool_of(folder: Path, stack: str, project: str) -> str | None:
    """The pool that the project's manifest names; None when no manifest has this id.

    A preview environment, which has no manifest, is where its project is.
    """
    found = _named_pool(folder, stack, project)
    base = names.previewed(project)
    return _named_pool(folder, stack, base) if found is None and base else found


def _named_pool(folder: Path, stack: str, project: str) -> str | None:
    name = stack_values(folder, stack).get("manifests", "manifests")
    manifests = folder / name if isinstance(name, str) and FILE.fullmatch(name) else folder / "manifests"
    for path in sorted(manifests.glob("*.y*ml")):
        text = path.read_bytes()
        if project.encode() not in text:
            continue
        try:
            document = yaml.load(text, Loader=LOADER)  # noqa: S506 - texts only
            if document["project"]["id"] == project:
                return str((document.get("servers") or {}).get("pool", "default"))
        except (ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError):
            continue  # `validate` says what is wrong with it
    return None
