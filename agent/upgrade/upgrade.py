"""The verb `upgrade`: another version of PostgreSQL serves the same databases; back again; what was cut off is ended."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from agent.backup import aside as databases
from agent.backup.backup import backed_up
from agent.backup.snapshot import Image, server_image
from agent.documents.errors import Failed, Unwritable
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Busy, Ports
from agent.images.postgres import major_of, major_of_files
from agent.restore.work import free_bytes, not_gone, said
from agent.store.settings import Settings, load_settings
from agent.store.turn import held, turn
from agent.upgrade import beside, copies, journal, last_wal, look, plan, settle, turnover
from agent.upgrade.document import Wanted, read_wanted
from agent.upgrade.journal import Journal, Version
from agent.upgrade.look import Found

Told = dict[str, object]
Telling = Generator[Told, None, Told]
_FIRST = "`codeb upgrade postgres --forget` removes them, once nobody wants to go back"


def upgrade(ports: Ports, document: Reader, by: str) -> Telling:
    """What `agent.upgrade.document` says. Tells phases. Raises BadDocument, Failed, Unwritable."""
    wanted = read_wanted(document, by)
    settings = load_settings(ports)
    if wanted.act == "settle" and held(
        ports
    ):  # the one who holds it may be an upgrade, or ends before the next look
        return {"ok": True, "end": True, "busy": held(ports)}
    if wanted.act == "to":
        ports.asker.watch()
    try:
        with (
            turn(ports, "upgrade", wanted.by, wanted.wait_s),
            ports.files.lock(paths.APPLY_LOCK, wanted.wait_s),
        ):
            return (yield from _acted(ports, settings, wanted))
    except Busy:
        raise Failed("lock", "the server's bundle is being applied", "wait for `pulumi up` to end") from None


def _acted(ports: Ports, settings: Settings, wanted: Wanted) -> Telling:
    found = settle.settled(ports)
    if wanted.act == "settle":
        return {"ok": True, "end": True, **({"step": found.step} if found else {})}
    if wanted.act == "to":
        return (yield from _to(ports, settings, wanted, found))
    if found is None:
        raise Failed("find", "no files of an earlier version are kept", "`codeb restore` brings dumps back")
    if wanted.act == "back":
        return (yield from _back(ports, settings, wanted, found))
    settle.forgotten(ports, found)
    _audited(ports, wanted, f"the files of PostgreSQL {found.aside.rpartition('-')[2]} are removed")
    return {"ok": True, "end": True, "removed": found.aside}


def _to(ports: Ports, settings: Settings, wanted: Wanted, before: Journal | None) -> Telling:
    """Raises Failed."""
    yield {"phase": "look"}
    if before is not None:
        raise Failed("find", f"{before.aside} has the files of an upgrade of {before.at}", _FIRST)
    has = major_of_files(ports, paths.POSTGRES)
    if has is None:
        raise Failed("find", "there is no PostgreSQL on this host", "`pulumi up` makes it")
    new = Version(major_of(ports, wanted.image), wanted.image)
    plan.refuse_version(has, new.major, new.image)
    if ports.files.entry(f"{journal.aside(has)}/PG_VERSION") is not None:
        raise Failed(
            "find", f"{journal.aside(has)} is there already", "see what it is, and move it elsewhere"
        )
    old = Version(has, settings.server.image)
    at = f"{ports.clock.now():{journal.AT}}"
    noted = journal.note(ports, Journal("checking", old, new, wanted.by, at), "checking")
    try:
        return (yield from _carried(ports, settings, wanted, noted))
    except BaseException as error:
        _left(ports, error)
        raise


def _left(ports: Ports, error: BaseException) -> None:
    """Whatever ended it: what is not switched yet is taken back. A kill leaves that to the next run."""
    if not isinstance(error, Exception | GeneratorExit | KeyboardInterrupt):
        return
    found = journal.load(ports)
    if found is None or found.step not in ("checking", "copying"):
        return
    try:
        settle.settled(ports)
    except (Failed, Unwritable) as problem:
        ports.journal.log(f"upgrade: it can't be taken back, the host tries again: {problem}")
        if isinstance(error, Failed):
            back = "not yet: PostgreSQL only reads until the host has taken this back, within minutes"
            error.failure = error.failure.but_put_back(back)


def _carried(ports: Ports, settings: Settings, wanted: Wanted, noted: Journal) -> Telling:
    runs = server_image(ports, settings.server)
    databases.tidied(ports, settings)
    found = look.look(ports, settings.server, runs, noted.new.image)
    plan.refuse_found(found, wanted)
    free = free_bytes(ports)
    plan.refuse_crowded(found.size, free)
    yield {"phase": "beside", "size": found.size, "free": free}
    _fits(ports, found, noted.new.image)
    facts: Told = {
        "from": noted.old.major, "to": noted.new.major, "image": noted.new.image, "size": found.size, "free": free,
        "dry_run": wanted.dry_run, "databases": [each.name for each in found.moving],
        "left": [each.name for each in found.databases if not each.open],
    }  # fmt: skip
    if wanted.dry_run:
        settle.settled(ports)
        return {"ok": True, "end": True, **facts, "warnings": _warnings(found)}
    with closing(_backups(ports, settings, wanted, found)) as backing:
        warnings = yield from backing
    begun = ports.clock.monotonic()
    noted, more, rows = yield from _copied(ports, settings, wanted, noted, found, runs)
    copied = ports.clock.monotonic()
    yield {"phase": "switch"}
    not_gone(ports, "switch")
    made = settle.switched(ports, journal.note(ports, noted, "switching"))
    over = ports.clock.monotonic()
    _audited(ports, wanted, f"PostgreSQL {made.old.major} to {made.new.major}")
    times = {"read_only_s": round(over - begun, 1), "switch_s": round(over - copied, 1)}
    kept = {"kept": made.aside, "kept_until": made.until, "rows": rows}
    return {"ok": True, "end": True, **facts, **times, **kept, "warnings": _warnings(found) + warnings + more}


def _fits(ports: Ports, found: Found, image: str) -> None:
    """The new version starts, and has what is used. Raises Failed."""
    beside.made(ports, image, found.shape)
    with said("extensions"):
        available = beside.available(ports, plan.extensions(found))
    wanted = plan.libraries(found)
    lacking = {library: where for library, where in wanted.items() if not beside.loads(ports, library)}
    plan.refuse_missing(plan.missing(found, available), lacking, image)


def _backups(
    ports: Ports, settings: Settings, wanted: Wanted, found: Found
) -> Generator[Told, None, list[str]]:
    """A backup of each project's database first; what is to be known of them. Raises Failed."""
    warnings = []
    for project in settings.projects:
        if project.database is None:
            continue
        answer = yield from backed_up(ports, settings, replace(project, buckets=()), wanted.by)
        not_gone(ports, "backup")
        if "id" not in answer:
            cause = f"{project.id} has no fresh backup: {answer.get('cause')}"
            raise Failed("backup", cause, str(answer.get("remedy")))
        if answer.get("problem"):
            warnings.append(f"backup of {project.id}: {answer['problem']}")
    saved = {project.database for project in settings.projects} | look.OWN
    return warnings + [f"{each.name} is not backed up" for each in found.moving if each.name not in saved]


def _copied(
    ports: Ports, settings: Settings, wanted: Wanted, noted: Journal, found: Found, runs: Image
) -> Generator[Told, None, tuple[Journal, list[str], int]]:
    """All of it is in the new files, and they are on the disk. Raises Failed."""
    yield {"phase": "read-only"}
    noted = journal.note(ports, noted, "copying")
    turnover.read_only(ports)
    server, image, rows = settings.server, noted.new.image, 0
    problem = last_wal.shipped(ports, settings, found.system)
    warnings = [f"the end of the archive of PostgreSQL {noted.old.major}: {problem}"] if problem else []
    yield {"phase": "roles"}
    copies.roles(ports, server, image)
    for each in found.moving:
        with closing(
            copies.database(ports, server, runs, image, each, as_admin=each.name in wanted.as_admin)
        ) as copying:
            count, more = yield from copying
        rows += count
        warnings += more
    yield {"phase": "sync"}
    beside.finished(ports, image)
    return noted, warnings, rows


def _warnings(found: Found) -> list[str]:
    slots = [f"logical replication slot {name} does not come along" for name in found.slots]
    emptied = [
        f"{each.name}: {', '.join(each.unlogged)} is empty afterwards"
        for each in found.moving
        if each.unlogged
    ]
    return slots + emptied


def _back(ports: Ports, settings: Settings, wanted: Wanted, found: Journal) -> Telling:
    """Raises Failed."""
    answer: Told = {
        "ok": True,
        "end": True,
        "from": found.new.major,
        "to": found.old.major,
        "image": found.old.image,
    }
    if found.step == "returned":
        return {**answer, "changed": False, "kept": found.aside, "kept_until": found.until}
    major_of(ports, found.old.image)
    backups: dict[str, str] = {}
    if not wanted.without_backup:
        for project in settings.projects:
            if project.database is None:
                continue
            made = yield from backed_up(ports, settings, replace(project, buckets=()), wanted.by)
            if "id" not in made:
                cause = f"{project.id} can't be backed up first: {made.get('cause')}"
                raise Failed(
                    "backup", cause, f"{made.get('remedy')}; `--without-backup` goes back all the same"
                )
            backups[project.id] = str(made["id"])
    yield {"phase": "switch"}
    made_at = f"{ports.clock.now():{journal.AT}}"
    done = settle.returned(ports, journal.note(ports, found, "returning"))
    _audited(ports, wanted, f"PostgreSQL {found.new.major} back to {found.old.major}, as of {found.at}")
    return {
        **answer, "changed": True, "lost_from": found.at, "lost_to": made_at, "backups": backups, "kept": done.aside,
        "kept_until": done.until,
    }  # fmt: skip


def _audited(ports: Ports, wanted: Wanted, what: str) -> None:
    line = {"act": "upgrade", "what": what, "by": wanted.by, "at": f"{ports.clock.now():{journal.AT}}"}
    ports.files.append(paths.AUDIT, json.dumps(line, sort_keys=True), 0o600)
