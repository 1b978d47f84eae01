"""The verb `environment`: names of the variables that a project's serving release has; no value."""

from __future__ import annotations

from typing import Final

from agent.documents.reader import PROJECT, Reader
from agent.host.ports import Ports
from agent.project import environment as files
from agent.project import record

_OF_UNITS: Final = "CODEB_COLOUR"
"""The one variable that a colour's unit sets itself."""


def environment(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Each name, and whether its value is secret (None where an old release didn't say). Raises BadDocument, Failed."""
    document.version()
    project = document.text("project", PROJECT)
    document.end()
    known = record.load(ports, project)
    colour = record.serving(ports, project, known)
    if known is None or colour is None or colour not in known.colours:
        return {"ok": True, "project": project, "release": None, "variables": []}
    secret = known.colours[colour].spec.secret
    names = {*files.read(ports.files, project, colour), _OF_UNITS}
    return {
        "ok": True,
        "project": project,
        "release": known.colours[colour].release(),
        "variables": [
            {"name": name, "secret": None if secret is None else name in secret} for name in sorted(names)
        ],
    }
