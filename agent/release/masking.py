"""Which values of a project are secret: what is masked in all that a release or rollback tells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from agent.documents.errors import Failed
from agent.documents.redact import Redactor
from agent.host import paths
from agent.host.ports import Ports
from agent.project import environment, record
from agent.project.spec import Release, Spec

_Known = tuple[Mapping[str, str], Collection[str] | None]
"""An environment, and which of its names are secret; None when the document was of a time that didn't say."""


def redactor(ports: Ports, project: str, release: Release | None = None) -> Redactor:
    """Masks the secrets of both colours and of the release to come, and nothing that its document shows openly.

    Where nobody said which variables are secret, all are that nobody has called open since.
    """
    specs: list[Spec] = []
    known: list[_Known] = []
    if release is not None:
        specs.append(release.spec)
        known.append((release.secrets.environment, release.spec.secret))
    for spec, found in _before(ports, project):
        specs += [spec] if spec else []
        known.append(found)
    openly = {name for values, names in known if names is not None for name in values if name not in names}
    secrets: list[str] = []
    public = [text for spec in specs for text in spec.public()]
    for values, names in known:
        for name, value in values.items():
            secret = name in names if names is not None else name not in openly
            (secrets if secret else public).append(value)
    if release is not None:
        secrets += [release.secrets.cache_password, release.secrets.cache_admin_password]
    return Redactor(secrets, public)


def _before(ports: Ports, project: str) -> Iterator[tuple[Spec | None, _Known]]:
    """What the colours' files hold."""
    try:
        found = record.load(ports, project)
    except Failed:  # whoever needs the record says so
        found = None
    for colour in paths.COLOURS:
        values = environment.read(ports.files, project, colour)
        spec = found.colours[colour].spec if found and colour in found.colours else None
        yield spec, (values, spec.secret if spec else None)
