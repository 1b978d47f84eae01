"""A project's uploads, as a part of its backup: each bucket mirrored, and what is too old let go."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from agent.host.ports import Ports
from agent.store.record import Mirror
from agent.store.settings import Project, Settings
from agent.uploads.mirror import Mirrored, mirrored
from agent.uploads.prune import pruned

Answer = dict[str, object]


def mirror_all(ports: Ports, settings: Settings, project: Project) -> Generator[Answer, None, list[Mirrored]]:
    """Mirror all buckets of a project; tells how it goes. Raises Failed."""
    found = []
    for bucket in project.buckets:
        found.append((yield from mirrored(ports, settings, project.id, bucket)))
    return found


def together(found: Sequence[Mirrored]) -> Mirror:
    """What the host remembers of a run over all buckets."""
    stores = [name for name in found[0].stores if all(name in each.stores for each in found)]
    return Mirror(
        at=min(each.run.at for each in found),
        objects=sum(each.run.objects for each in found),
        size=sum(each.run.size for each in found),
        added=sum(each.run.added for each in found),
        seconds=round(sum(each.run.seconds for each in found), 1),
        stores=tuple(stores),
    )


def missed(found: Sequence[Mirrored]) -> dict[str, str]:
    """What went wrong with further stores, in words, by store."""
    return {name: f"{each.run.bucket}: {why}" for each in found for name, why in each.missed.items()}


def let_go(ports: Ports, settings: Settings, project: Project) -> tuple[int, str]:
    """How many contents went, and what went wrong, in words."""
    gone, warnings = 0, []
    for bucket in project.buckets:
        _, contents, warning = pruned(ports, settings, (project.id, bucket), project.retention_days)
        gone += contents
        if warning:
            warnings.append(f"{bucket}: {warning}")
    return gone, "; ".join(warnings)
