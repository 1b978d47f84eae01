"""What all steps of one rebuild have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.archive.recovery import Instance
from agent.backup.snapshot import Image
from agent.documents.errors import Failed, Failure, Unwritable
from agent.host.ports import Ports
from agent.rebuild.document import Wanted
from agent.rebuild.memory import Memory
from agent.rebuild.place import Found
from agent.store.settings import Project, Settings

Told = dict[str, object]


@dataclass
class Job:
    """One rebuild. `ports` are this host's, `reading` read the second place as was first written there."""

    ports: Ports
    reading: Ports
    settings: Settings
    image: Image
    wanted: Wanted
    found: Found
    memory: Memory
    projects: tuple[Project, ...]
    results: dict[str, Told] = field(default_factory=dict)


@dataclass(frozen=True)
class Recovered:
    """The lost cluster as it was last, in a server of its own, and the databases that it has."""

    instance: Instance
    databases: frozenset[str]


def failure(error: Failed | Unwritable) -> Told:
    """What a part's failure says."""
    if isinstance(error, Failed):
        return {**error.failure.answer(), "interrupted": error.failure.interrupted}
    return Failure("disk", str(error), error.remedy).answer()
