"""`codeb secrets rotate`: the numbers of a project's keys raised in its manifest. Nothing is changed on any host."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from codeb.model import ManifestErrors
from codeb.model.document import read_document
from codeb.model.settings import ManagedObjects
from ops.manifest_file import check, decoded, source_of, write
from ops.result import Result, failed
from ops.words import clean
from ops.yaml_edit import EditError, put

SERVICES: Final = ("database", "cache", "storage")
_AT_VULTR: Final = (
    "{project} has its buckets at Vultr's Object Storage, whose keys Vultr makes: choose Regenerate keys in its console, "
    "then `codeb fleet refresh` and `pulumi up` (docs/managed-objects.md); nothing was changed"
)


def rotated(
    project: str, services: Sequence[str], folder: Path, stack: str, *, dry_run: bool = False
) -> Result:
    """Raise the numbers of these services by one in the manifest of `folder` that has the project.

    With `dry_run` say what they would be.
    """
    try:
        source = source_of(project, folder)
        text, bom = decoded(source)
        after = deepcopy(read_document(source.path, text).value)
        numbers = {}
        for service in services:
            if not _part(after, service).get("enabled", True):
                return failed(f"{project} has no {service}; nothing was changed")
            numbers[service] = _part(after, service).get("rotation", 1) + 1
            _part(after, service)["rotation"] = numbers[service]
            text = put(text, ("resources", service, "rotation"), str(numbers[service]))
        check(source.path, text, after)
        if not dry_run:
            write(Path(source.path), (bom + text).encode())
    except ManifestErrors as error:
        return Result(
            {"ok": False, "project": project, "problems": [str(each) for each in error.problems]},
            problems=tuple(f"error: {clean(each)}" for each in error.problems),
        )
    except EditError as error:
        return failed(f"{clean(error)}. Raise resources.<service>.rotation by hand; nothing was changed.")
    would = "would have" if dry_run else "has"
    lines = [
        f"{clean(source.path)}: {service} {would} number {number}" for service, number in numbers.items()
    ]
    lines.append(f"the next `pulumi up` of stack {stack} makes the new keys and releases {project} with them")
    return Result({"ok": True, "project": project, "file": source.path, "numbers": numbers}, tuple(lines))


def unnumbered(project: str, services: Sequence[str], objects: ManagedObjects | None) -> Result | None:
    """The refusal of another number for keys of buckets that are at Vultr; None where there is none to be refused."""
    if "storage" in services and objects is not None and objects.lives(project):
        return failed(_AT_VULTR.format(project=project))
    return None


def _part(document: dict[str, Any], service: str) -> dict[str, Any]:
    """`resources.<service>` of a manifest, made where it is left out."""
    found: dict[str, Any] = document.setdefault("resources", {}).setdefault(service, {})
    return found
