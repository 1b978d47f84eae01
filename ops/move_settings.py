"""Where `codeb:managed.postgres` in a stack's file says that a project's database is: read, and edited after a move."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from codeb.model import ManifestErrors, parse_settings
from codeb.model.document import read_document
from codeb.model.settings.managed_parts import ALL
from codeb.model.sources import read_source
from codeb.model.stack_file import read_stack_file
from ops.manifest_file import decoded, write
from ops.yaml_edit import EditError, put

_KEY: Final = "codeb:managed"
_LISTS: Final = ("projects", "prepared")


def edited(file: Path, stack: str, project: str, *, managed: bool) -> str:
    """The text of `Pulumi.<stack>.yaml` as it is to be once the project lives at the service, or here; nothing is written.

    Raises:
        codeb.model.DocumentErrors: the settings are wrong, or would be.
        EditError: they have no service, or are written in a way that can't be edited safely.
    """
    source = read_source(file)
    text, bom = decoded(source)
    settings = read_stack_file(file, stack).settings
    postgres = parse_settings(settings, stack).managed.postgres
    if postgres is None:
        raise EditError(f"{source.path} has no {_KEY}.postgres")
    after = deepcopy(read_document(source.path, text).value)
    part = after["config"][_KEY]
    if not isinstance(part, dict):
        raise EditError(f"{_KEY} is written as text")
    known = {name: list(getattr(postgres, name)) for name in _LISTS}
    wanted = _moved(known, project, managed=managed)
    for name in _LISTS:
        if wanted[name] != known[name]:
            part["postgres"][name] = wanted[name]
            text = put(text, ("config", _KEY, "postgres", name), f"[{', '.join(wanted[name])}]")
    _check(source.path, text, after)
    parse_settings({**settings, "managed": part}, stack)
    return bom + text


def write_edited(file: Path, text: str) -> None:
    """Put it there in one step."""
    write(file, text.encode())


def _moved(known: dict[str, list[str]], project: str, *, managed: bool) -> dict[str, list[str]]:
    """Both lists after the move. `all` in `projects` means this one, too: it can't be taken out of that."""
    projects, prepared = list(known["projects"]), list(known["prepared"])
    if managed:
        projects = projects if ALL in projects else sorted({*projects, project})
        return {"projects": projects, "prepared": [each for each in prepared if each != project]}
    if ALL in projects:
        raise EditError(
            f"{_KEY}.postgres.projects is `all`: write the ids of those that stay there, then run again"
        )
    prepared = prepared if ALL in prepared else sorted({*prepared, project})
    return {"projects": [each for each in projects if each != project], "prepared": prepared}


def _check(path: str, edited: str, after: dict[str, Any]) -> None:
    """Raises EditError when the text doesn't say what it should."""
    try:
        value = read_document(path, edited).value
    except ManifestErrors:
        value = {}
    if value != after:
        raise EditError(f"{path} is written in a way that can't be edited safely")
