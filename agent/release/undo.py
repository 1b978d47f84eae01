"""The undo file: every file as it was before a release. As long as it exists, the release isn't committed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent.documents.errors import Failed
from agent.edge import site
from agent.host import paths
from agent.host.paths import COLOURS, Colour
from agent.host.ports import Files, Ports
from agent.project.spec import Spec


@dataclass(frozen=True)
class Saved:
    """A file, a link or an absence, as it was."""

    path: str
    content: str | None = None
    link: str | None = None
    mode: int = 0o644
    owner: str = "root:root"


@dataclass(frozen=True)
class Attempt:
    """Which release or rollback it is, should it be killed: since when, by whom, of which image."""

    at: str = ""
    by: str = ""
    image: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Workers:
    """Services of workers: those that a release may have started, and those that ran before it.

    `wait_s` is how long they may take to end.
    """

    end: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    wait_s: float = 0


@dataclass(frozen=True)
class Undo:
    """What to go back to. `reload` when the release may have given Caddy another site."""

    target: Colour
    active: Colour | None
    reload: bool
    saved: tuple[Saved, ...]
    attempt: Attempt
    workers: Workers = Workers()

    @property
    def sites(self) -> dict[str, str | None]:
        """The sites as they were, by path, the project's own first."""
        return {saved.path: saved.content for saved in self.saved if saved.path.startswith(f"{paths.SITES}/")}

    @property
    def boot(self) -> list[Saved]:
        """What started at boot and what didn't."""
        return [saved for saved in self.saved if saved.path.startswith(f"{paths.BOOT}/")]

    def of(self, path: str) -> Saved:
        """How this path was; absent when it wasn't noted."""
        return next((saved for saved in self.saved if saved.path == path), Saved(path))


def touched(spec: Spec, target: Colour) -> list[str]:
    """Every path that a release may change before it commits."""
    project = spec.project
    return [
        paths.canary_weight(project),  # first: nobody is sent to a candidate that goes
        paths.upstream(project),
        paths.maintenance_page(project),
        paths.maintenance_retry(project),
        paths.canary_address(project),
        paths.site(project),
        *(paths.boot_link(project, colour) for colour in COLOURS),
        paths.quadlet(spec.network.name),
        paths.quadlet(spec.colours[target].name),
        paths.quadlet(f"{paths.release_command(project)}.container"),
        paths.environment(project, target),
        paths.module(project, target),
        paths.digest(project, target),
        *paths.candidate_links(project, target),
        paths.record(project),
    ]


def write(
    ports: Ports,
    spec: Spec,
    target: Colour,
    active: Colour | None,
    attempt: Attempt,
    workers: Workers,
    more: Sequence[str],
) -> None:
    """Note how everything is now, the sites of others that are to give up names included, and `more` paths."""
    sites = site.changes(ports, spec)
    others = [path for path in sites if path != paths.site(spec.project)]
    document = {
        "version": 1,
        "target": target,
        "active": active,
        "reload": bool(sites),
        "attempt": asdict(attempt),
        "workers": asdict(workers),
        "saved": [_saved(ports.files, path).__dict__ for path in [*touched(spec, target), *more, *others]],
    }
    ports.files.write(paths.undo(spec.project), json.dumps(document).encode(), 0o600)


def interrupted(ports: Ports, project: str) -> bool:
    """Whether a release was killed: its undo file is there, and nobody works on the project.

    Looked at again at the end: a release that ends just now takes the file away before it lets go of the lock.
    """
    path = paths.undo(project)
    return (
        ports.files.read(path) is not None
        and ports.files.held_since(paths.project_lock(project)) is None
        and ports.files.read(path) is not None
    )


def load(ports: Ports, project: str) -> Undo | None:
    """The undo file of a release under way or killed, or None. Raises Failed when unreadable."""
    path = paths.undo(project)
    content = ports.files.read(path)
    if content is None:
        return None
    try:
        document = json.loads(content)
        return Undo(
            target=document["target"],
            active=document["active"],
            reload=document["reload"],
            saved=tuple(Saved(**saved) for saved in document["saved"]),
            attempt=Attempt(**document.get("attempt", {})),
            workers=_workers(document.get("workers", {})),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Failed("observe", f"{path} can't be read: {error}", f"delete {path} and run again") from error


def _workers(document: Mapping[str, Any]) -> Workers:
    """None in an undo file of an agent that knew no workers."""
    end, start = document.get("end", ()), document.get("start", ())
    return Workers(tuple(end), tuple(start), document.get("wait_s", 0))


def restore(files: Files, saved: Saved) -> None:
    """Make a path what it was, unless it is already."""
    if saved.link is not None:
        if files.link_target(saved.path) != saved.link:
            files.link(saved.path, saved.link)
    elif saved.content is None:
        files.remove(saved.path)
    elif files.read(saved.path) != saved.content.encode():
        files.write(saved.path, saved.content.encode(), saved.mode, saved.owner)


def _saved(files: Files, path: str) -> Saved:
    link = files.link_target(path)
    if link is not None:
        return Saved(path, link=link)
    entry = files.entry(path)
    return (
        Saved(path) if entry is None else Saved(path, entry.content.decode(), None, entry.mode, entry.owner)
    )
