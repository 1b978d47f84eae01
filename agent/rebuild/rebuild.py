"""The verb `rebuild`: all that a lost data server had, from the second place onto this one, project by project."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from tarfile import TarError

from agent.archive import recovery
from agent.backup import aside
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed, Unwritable
from agent.documents.reader import Reader
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.rebuild import buckets, databases, memory, place, platform, room
from agent.rebuild.document import Wanted, read_wanted
from agent.rebuild.job import Job, Recovered, Told, failure
from agent.restore.plan import estimate
from agent.restore.work import free_bytes, said
from agent.store import backups
from agent.store.oldest import as_first_written
from agent.store.settings import Project, Settings, Store, load_settings
from agent.store.turn import turn

Telling = Generator[Told, None, Told]


def rebuild(ports: Ports, document: Reader, by: str) -> Telling:
    """What `agent.rebuild.document` knows. Tells phases; the answer has each project, `ok` when all of them are back.

    Run again it goes on where it was. Raises BadDocument, Failed, Unwritable.
    """
    wanted = read_wanted(document, by)
    settings = load_settings(ports)
    store, projects = place.second(settings, wanted), _projects(settings, wanted)
    ports.asker.watch()
    if wanted.dry_run:
        return (yield from _looked_at(ports, settings, wanted, store, projects))
    with turn(ports, "rebuild", wanted.by, wanted.wait_s):
        aside.tidied(ports, settings)
        recovery.leftovers(ports)
        return (yield from _looked_at(ports, settings, wanted, store, projects))


def _looked_at(
    ports: Ports, settings: Settings, wanted: Wanted, store: Store, projects: tuple[Project, ...]
) -> Telling:
    """Find what there is, see that there is room, then go on with it."""
    begun = ports.clock.monotonic()
    image, reading = server_image(ports, settings.server), as_first_written(ports, [store])
    with said("look"):
        query = "SELECT system_identifier FROM pg_control_system();\n"
        (system,) = aside.asked(ports, settings.server, image, query)
    yield {"phase": "look", "store": store.name}
    found = place.looked(reading, store, settings, system, wanted)
    known = memory.load(ports, system)
    job = Job(ports, reading, settings, image, wanted, found, known, projects)
    facts = _room(job)
    yield {"phase": "room", **facts}
    if wanted.dry_run:
        return {"ok": True, "end": True, "dry_run": True, **facts, **_common(job), "projects": _would(job)}
    answer = yield from _rebuilt(job)
    return {**answer, **facts, "seconds": round(ports.clock.monotonic() - begun, 1)}


def _projects(settings: Settings, wanted: Wanted) -> tuple[Project, ...]:
    """Raises Failed for one that isn't backed up here."""
    saved = {each.id: each for each in settings.projects if each.saved}
    if missing := [each for each in wanted.projects if each not in saved]:
        cause = f"{', '.join(missing)} is not backed up here"
        raise Failed("settings", cause, "see `backup.enabled` in its manifest, then `pulumi up`")
    return tuple(saved[each] for each in wanted.projects) or tuple(saved.values())


def _room(job: Job) -> Told:
    """What all of it takes that isn't back yet, and what is free. Raises Failed."""
    found, again = job.found, job.wanted.again
    left = [each for each in job.projects if again or each.id not in job.memory.databases]
    of_archive = [each for each in left if each.database and _archived(job, each)]
    with said("look"):
        dumped = {
            each.id: estimate(dump, backups.details(job.ports, dump))
            for each in left
            if each not in of_archive and (dump := found.dumps.get(each.id))
        }
    uploads = [run.size for (_, name), run in found.runs.items() if again or not job.memory.buckets.get(name)]
    takes = room.needed(found.archive if of_archive else None, dumped, uploads)
    free = free_bytes(job.ports)
    room.refuse_crowded(takes, free)
    return {"size": takes, "free": free}


def _archived(job: Job, project: Project) -> bool:
    """Whether the archive goes further than the project's newest dump."""
    archive, dump = job.found.archive, job.found.dumps.get(project.id)
    return archive is not None and (dump is None or dump.moment <= min(archive.came, job.found.until))


def _common(job: Job) -> Told:
    archive = job.found.archive
    return {
        "until": f"{job.found.until:%Y-%m-%dT%H:%M:%SZ}",
        "archive": None
        if archive is None
        else {"cluster": archive.stock.system, "came": _text(archive.came)},
        "strangers": list(job.found.strangers),
        "warnings": list(job.found.warnings),
    }


def _would(job: Job) -> list[Told]:
    """What would be brought back, by project."""
    return [_would_of(job, project) for project in job.projects]


def _would_of(job: Job, project: Project) -> Told:
    dump, lists = job.found.dumps.get(project.id), []
    for bucket in project.buckets:
        run = job.found.runs.get((project.id, bucket))
        facts = {"of": run.at, "objects": run.objects, "size": run.size} if run else {"of": None}
        lists.append({"bucket": bucket, **facts, "skipped": bool(job.memory.buckets.get(bucket))})
    answer: Told = {"project": project.id, "ok": True, "uploads": lists}
    if project.database is None:
        return answer
    source: Told = {"what": None, "of": None}
    if _archived(job, project) and job.found.archive:
        source = {"what": "the archive", "of": _text(min(job.found.archive.came, job.found.until))}
    elif dump:
        source = {"what": f"backup {dump.id}", "of": dump.at, "size": dump.size}
    try:
        back = databases.done(job, project, project.database)
        if back is None:
            databases.refuse_filled(job, project, project.database)
        return {
            **answer,
            "database": {**source, "ok": True, "skipped": back is not None and not job.wanted.again},
        }
    except Failed as error:
        return {**answer, "ok": False, "database": {**source, **failure(error)}}


def _rebuilt(job: Job) -> Telling:
    """All of it; what fails of one project leaves the others alone."""
    yield {"phase": "platform"}
    told = _platform(job)
    job.results = {each.id: {"project": each.id, "ok": True} for each in job.projects}
    with_database = [each for each in job.projects if each.database]
    yield from _from_archive(job, [each for each in with_database if _archived(job, each)])
    for project in with_database:
        if "database" not in job.results[project.id] and not job.ports.asker.gone():
            yield from _database(job, project, None)
    for project in job.projects:
        yield from _uploads(job, project)
    bad = [name for name, result in job.results.items() if result["ok"] is not True]
    summary = {"summary": f"not all is back: {', '.join(bad)}"} if bad else {}
    return {
        "ok": not bad, "end": True, **_common(job), "platform": told,
        "projects": list(job.results.values()), **summary,
    }  # fmt: skip


def _platform(job: Job) -> Told:
    warnings: list[str] = []
    try:
        saved = platform.newest(job.reading, job.found, warnings)
        if saved is None:
            return {"ok": False, "cause": "there is none from before", "warnings": warnings}
        return {"ok": True, **platform.put_back(job.ports, saved, warnings), "warnings": warnings}
    except StoreError as error:
        return {"ok": False, "cause": str(error), "warnings": warnings}
    except TarError as error:
        return {"ok": False, "cause": f"it holds no files: {error}", "warnings": warnings}
    except (Failed, Unwritable) as error:
        return {**failure(error), "warnings": warnings}


def _from_archive(job: Job, projects: Sequence[Project]) -> Generator[Told, None, None]:
    """One recovered server for all of them, none when all are back; its failure is theirs."""
    archive = job.found.archive
    try:
        left = [
            each
            for each in projects
            if job.wanted.again or not databases.done(job, each, each.database or "")
        ]
    except Failed:  # which each project says for itself
        left = list(projects)
    if archive is None or not left or job.ports.asker.gone():
        return
    yield {"phase": "recover", "size": archive.stock.bases[-1].plain_size}
    try:
        with (
            said("recover"),
            recovery.recovered(job.reading, job.settings, archive.stock, job.wanted.at) as running,
        ):
            listed = job.ports.runner.run(
                running.psql("postgres"), stdin="SELECT datname FROM pg_database;\n"
            )
            recovered = Recovered(running, frozenset(listed.out.split()))
            for project in projects:
                if not job.ports.asker.gone():
                    yield from _database(job, project, recovered)
    except Failed as error:
        for project in projects:
            if "database" not in job.results[project.id]:
                told = failure(error)
                _failed(
                    job, project, {**told, "remedy": _INSTEAD} if error.failure.phase in _OF_ARCHIVE else told
                )


_OF_ARCHIVE = ("choice", "fetch", "recovery", "recover")
_INSTEAD = (
    "`--dumps` takes the newest dump of each project instead; `--at TIME` a moment that the archive has"
)


def _database(job: Job, project: Project, recovered: Recovered | None) -> Generator[Told, None, None]:
    try:
        told = yield from databases.brought(job, project, project.database or "", recovered)
    except (Failed, Unwritable) as error:
        _failed(job, project, failure(error))
    else:
        job.results[project.id]["database"] = told
        job.ports.journal.log(f"rebuild: {project.id}: {told['what']}, {told['rows']} rows")


def _failed(job: Job, project: Project, told: Mapping[str, object]) -> None:
    job.results[project.id] |= {"ok": False, "database": dict(told)}
    job.ports.journal.log(f"rebuild: {project.id} failed in {told['phase']}: {told['cause']}")


def _uploads(job: Job, project: Project) -> Generator[Told, None, None]:
    found: list[Told] = []
    for bucket in project.buckets:
        if job.ports.asker.gone():
            break
        try:
            found.append((yield from buckets.brought(job, project, bucket)))
        except (Failed, Unwritable) as error:
            found.append({"bucket": bucket, **failure(error)})
            job.ports.journal.log(f"rebuild: {bucket} of {project.id} failed: {error}")
    whole = len(found) == len(project.buckets) and all(each["ok"] is True for each in found)
    job.results[project.id] |= {"uploads": found, "ok": job.results[project.id]["ok"] is True and whole}
    if project.database and "database" not in job.results[project.id]:
        job.results[project.id]["ok"] = False


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
