"""The verb `apply`: make the host what a bundle says, changing only what differs."""

from __future__ import annotations

from dataclasses import replace

from agent.admins import ensure as administrators
from agent.bundle import majors, services, validators
from agent.bundle.applied import load_applied, save_applied
from agent.bundle.document import Bundle, File, read_bundle
from agent.bundle.plan import Plan, make_plan
from agent.documents.errors import Failed, remedy_of
from agent.documents.reader import Reader
from agent.documents.redact import Redactor
from agent.edge import sites
from agent.host import commands, paths, units
from agent.host.ports import Busy, Entry, Ports
from agent.known import tell
from agent.storage import attach

_WAIT_S = 900
_APT_S = 1800


def apply(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Apply a bundle. Raises BadDocument, Failed; what was done until then stays, the next run goes on."""
    bundle = read_bundle(document)
    try:
        with ports.files.lock(paths.APPLY_LOCK, _WAIT_S):
            ports.journal.log(f"apply by {by}: {len(bundle.files)} files, {len(bundle.services)} services")
            return _apply(ports, bundle)
    except Busy as error:
        raise Failed("lock", str(error), "wait for the other run to end and run again") from error
    except (OSError, KeyError) as error:
        # KeyError: an owner that doesn't exist on this host
        remedy = remedy_of(error, "see the owners in the bundle, then run again")
        raise Failed("files", str(error), remedy, put_back="nothing, what is done stays done") from error
    except Failed as error:
        raise _redacted(error, bundle) from None


def _redacted(error: Failed, bundle: Bundle) -> Failed:
    """Contents of files that only root may read are secrets."""
    redact = Redactor(
        line.partition("=")[2].strip() or line.strip()
        for file in bundle.files
        if file.mode & 0o077 == 0
        for line in file.content.decode("utf-8", "replace").splitlines()
    )
    failure = error.failure
    return Failed(
        failure.phase,
        redact(failure.cause),
        failure.remedy,
        log=tuple(redact(line) for line in failure.log),
        put_back="nothing: what was applied until then stays, the next run goes on from there",
    )


def _apply(ports: Ports, bundle: Bundle) -> dict[str, object]:
    changed = _packages(ports, bundle.packages)
    changed += attach.attach(ports, bundle.storage)
    for directory in bundle.directories:
        if ports.files.directory(directory.path, directory.mode, directory.owner):
            changed.append(directory.path)
    host = {file.path: _found(ports, file) for file in bundle.files}
    plan = make_plan(bundle, load_applied(ports), host)
    majors.check(ports, plan.write)
    validators.check(ports, plan.write)
    if bundle.admins:
        administrators.prepare(ports, bundle.admins)
    save_applied(ports, plan.begun)
    if any(file.path == paths.CADDYFILE for file in plan.write):
        sites.refresh(ports)
    changed += _files(ports, plan)
    tell.refresh(ports)
    restarted = _units(ports, bundle, plan)
    if bundle.admins:
        changed += administrators.ensure(ports, bundle.admins)
    changed += attach.detach(ports, bundle.storage)
    changed += _absent(ports, bundle.absent)
    save_applied(ports, plan.settled)
    version = ports.runner.run(commands.PODMAN_VERSION)
    versions = {"podman": version.out.strip()} if version.ok else {}
    return {"ok": True, "changed": changed, "restarted": restarted, "versions": versions}


def _found(ports: Ports, file: File) -> Entry | None:
    """The file as it is, its owner spelt as the bundle spells it when it is the same."""
    entry = ports.files.entry(file.path)
    if entry is None or not ports.files.owned(file.path, file.owner):
        return entry
    return replace(entry, owner=file.owner)


def _packages(ports: Ports, packages: tuple[str, ...]) -> list[str]:
    """Install what dpkg doesn't know as installed. Returns the names, prefixed `package:`."""
    if not packages:
        return []
    listing = ports.runner.run(commands.package_status(packages)).out
    installed = {line.split()[0] for line in listing.splitlines() if line.split()[1:] == ["installed"]}
    missing = tuple(name for name in packages if name not in installed)
    if not missing:
        return []
    ports.runner.run(commands.APT_UPDATE, timeout_s=_APT_S)
    result = ports.runner.run(commands.install(missing), timeout_s=_APT_S)
    if not result.ok:
        said = [
            line for line in result.text.splitlines() if line.startswith("E:")
        ] or result.text.splitlines()
        raise Failed(
            "packages",
            f"apt-get can't install {', '.join(missing)}: {said[0] if said else f'status {result.code}'}",
            "check the host's package sources and network (`apt-get update`), or install them by hand",
            log=tuple(said[-10:]),
        )
    return [f"package:{name}" for name in missing]


def _files(ports: Ports, plan: Plan) -> list[str]:
    """Stop what goes, write what differs, delete what is no longer listed, read the units again once."""
    for unit in plan.stop:
        if units.state(ports, unit).active not in ("inactive", "failed"):
            units.must(ports, commands.stop(unit), "files", f"see `systemctl status {unit}`", 180)
    for unit in plan.disable:
        units.must(ports, commands.disable(unit), "files", f"see `systemctl status {unit}`", 180)
    with units.units_lock(ports):
        for file in plan.write:
            ports.files.write(file.path, file.content, file.mode, file.owner)
        for path in plan.delete:
            ports.files.remove(path)
        if paths.METRICS_SERVICE in plan.stop:  # what it wrote would be told for ever
            ports.files.remove(paths.SERIES)
            ports.files.remove(paths.METRICS_STATE)
        if plan.daemon_reload:
            units.daemon_reload(ports, "files")
    return [*(file.path for file in plan.write), *(f"deleted:{path}" for path in plan.delete)]


def _absent(ports: Ports, unwanted: tuple[str, ...]) -> list[str]:
    """Delete what must not be here, once nothing reads it any more."""
    found = [path for path in unwanted if ports.files.entry(path) is not None]
    for path in found:
        ports.files.remove(path)
    return [f"deleted:{path}" for path in found]


def _units(ports: Ports, bundle: Bundle, plan: Plan) -> list[str]:
    """Restart and reload what changed, bring up the services in their order."""
    listed = {service.name for service in bundle.services}
    restarted = []
    for unit in plan.restart:
        if unit not in listed:
            services.restart(ports, unit)
            restarted.append(unit)
    for service in bundle.services:
        done = services.ensure(ports, service, restart=service.name in plan.restart)
        restarted += [done] if done else []
    for unit in plan.reload:
        if unit not in restarted:
            services.reload(ports, unit)
    return restarted
