"""The verb `doctor`: gathers facts, lets `diagnosis` judge them, says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from agent.bundle.applied import Applied, load_applied
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import certificates, drain, names, site, sites
from agent.host import commands, paths, units
from agent.host.paths import COLOURS, Colour, other
from agent.host.ports import NoReply, Ports, Tls, Validity
from agent.known import tell
from agent.project import health, record
from agent.project.record import Record
from agent.project.spec import Spec
from agent.release import undo
from agent.report import crashes, diagnosis, storage_problems
from agent.report.backups import backup_problems, put_aside
from agent.report.crashes import Crashes
from agent.report.diagnosis import Problem, ProjectFacts
from agent.report.move_problems import of_moves
from agent.report.refusals import WORDS, Refusal, refusals
from agent.report.status import host_facts
from agent.report.upgrade_problems import of_upgrade
from agent.storage import facts

_LISTENER = "127.0.0.1:443"
_TIMEOUT_MS = 5000


def doctor(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Everything wrong with this host; `ok` is true when that is nothing. Raises BadDocument."""
    document.version()
    document.end()
    projects = record.known_projects(ports)
    applied = _applied(ports)
    crashed = crashes.look(
        ports,
        [
            *(paths.service(project, colour) for project in projects for colour in COLOURS),
            *(crashes.WORKERS, *applied.services),
        ],
    )
    facts = [_project(ports, project, crashed) for project in projects]
    problems = [problem for each in facts for problem in diagnosis.project_problems(each)]
    problems += _host(ports, {each.project: each.serving for each in facts})
    problems += diagnosis.restless({name: crashed[name] for name in applied.services if name in crashed})
    banned = ports.runner.run(commands.SHUT_OUT)
    addresses = banned.out.split() if banned.ok else []
    if addresses:
        problems += diagnosis.shut_out(addresses, ports.runner.run(commands.LOGINS).out)
    kept = put_aside(ports)
    return {
        "ok": not problems,
        "host": host_facts(ports),
        "problems": [{"what": problem.what, "remedy": problem.remedy} for problem in problems],
        "shut_out": len(addresses),
        "put_aside": kept,
        "summary": _summary(problems, len(addresses), kept),
    }


def _summary(problems: list[Problem], shut_out: int, kept: list[str]) -> str:
    lines = [f"  - {problem.what}\n    {problem.remedy}" for problem in problems]
    head = f"{len(problems)} problems:" if problems else "all is well"
    tail = [f"addresses that Fail2Ban shuts out: {shut_out}"] if shut_out else []
    return "\n".join([head, *lines, *kept, *tail])


def _host(ports: Ports, serving: dict[str, Colour | None]) -> list[Problem]:
    run, files = ports.runner.run, ports.files
    configuration = (files.read("/etc/nftables.conf") or b"").decode()
    return [
        *diagnosis.failed_units(run(commands.FAILED_UNITS).out, serving),
        *diagnosis.disk("/var/lib", files.disk_used_percent("/var/lib")),
        *_storage(ports),
        *of_upgrade(ports),
        *diagnosis.readable_by_others(run(commands.USER_DATA_SHOWN).out.splitlines()),
        *diagnosis.podman(run(commands.PODMAN_VERSION).out.strip()),
        *diagnosis.sshd(run(commands.SSHD_SETTINGS).out),
        *diagnosis.firewall(configuration, run(commands.NFT_TABLES).out),
        *diagnosis.orphans(files.listing(paths.QUADLET), [*serving, *_at_work(ports)]),
        *_clock(ports),
        *_caddy(ports),
        *diagnosis.draining(drain.stale(ports)),
        *diagnosis.certificates(certificates.from_copy(ports)),
        *diagnosis.unmasked(tell.left_out(ports)),
        *_bundle(ports),
        *backup_problems(ports),
        *of_moves(ports),
    ]


def _storage(ports: Ports) -> list[Problem]:
    try:
        disks, shares = facts.disks(ports), facts.shares(ports)
    except Failed as error:
        return [Problem(error.failure.cause, error.failure.remedy)]
    return [
        *(problem for each in disks for problem in storage_problems.of_disk(each)),
        *(problem for each in shares for problem in storage_problems.of_share(each)),
    ]


def _at_work(ports: Ports) -> list[str]:
    """Projects that somebody works on; a first release has no record yet."""
    names = ports.files.listing(paths.RECORDS)
    projects = [name.removesuffix(".lock") for name in names if name.endswith(".lock")]
    return [each for each in projects if ports.files.held_since(paths.project_lock(each)) is not None]


def _clock(ports: Ports) -> list[Problem]:
    """A container's clock is its host's, so only machines are asked."""
    if ports.runner.run(commands.IN_CONTAINER).ok:
        return []
    if ports.runner.run(commands.CLOCK_SYNCHRONISED).out.strip() != "no":
        return []
    return [Problem("the clock isn't synchronised", "`apt-get install systemd-timesyncd`; see `timedatectl`")]


def _caddy(ports: Ports) -> list[Problem]:
    if not ports.files.listing(paths.SITES):
        return []
    if not site.caddy_runs(ports):
        return [Problem("Caddy doesn't run, but there are sites", "see `journalctl -u caddy`")]
    error = site.validate(ports, "doctor", {})
    found = (
        [Problem(f"Caddy would refuse its files: {error}", "release the project named again")]
        if error
        else []
    )
    if sites.unlisted(ports):
        cause = (
            f"{paths.SITES_LIST} is not the list of the sites that there are: Caddy would start without some"
        )
        found.append(Problem(cause, "release any project of this server, which writes it anew"))
    return found


def _applied(ports: Ports) -> Applied:
    """What was applied; nothing when that can't be read, which `_bundle` says."""
    try:
        return load_applied(ports)
    except Failed:
        return Applied()


def _bundle(ports: Ports) -> list[Problem]:
    try:
        applied = load_applied(ports)
    except Failed as error:
        return [Problem(error.failure.cause, error.failure.remedy)]
    states = {name: units.state(ports, name).running for name in applied.services}
    missing = [path for path in applied.files if ports.files.entry(path) is None]
    found = diagnosis.not_running(states, missing)
    if applied.restarts or applied.reloads or applied.daemon_reload:
        found.append(Problem("an unfinished apply was killed", "apply the server's bundle again"))
    return found


def _project(ports: Ports, project: str, crashed: Mapping[str, Crashes]) -> ProjectFacts:
    working = ports.files.held_since(paths.project_lock(project)) is not None
    try:
        known = record.load(ports, project)
        serving = record.serving(ports, project, known)
        undo.load(ports, project)
        unfinished = undo.interrupted(ports, project)
    except Failed as error:
        return ProjectFacts(project, unreadable=error.failure.cause)
    if known is None or serving is None or serving not in known.colours:
        return ProjectFacts(project, working=working, unfinished=unfinished)
    spec = known.colours[serving].spec
    lost = site.taken(ports, spec)
    certificate, no_answer = _certificate(ports, spec.domain) if _has_certificate(spec) else (None, "")
    return ProjectFacts(
        project,
        serving=serving,
        working=working,
        sick=crashes.wrong(
            health.check(ports, spec, serving).reason,
            crashed.get(paths.service(project, serving), crashes.NONE),
        ),
        unfinished=unfinished,
        at_boot=frozenset(c for c in COLOURS if ports.files.link_target(paths.boot_link(project, c))),
        standby_runs=units.state(ports, paths.service(project, other(serving))).running,
        standby_timer=units.state(ports, f"{paths.standby(project)}.timer").running,
        site_differs=site.damaged(ports, spec, lost),
        lost=lost,
        **_workers(ports, known, serving, crashed),
        certificate=certificate,
        certificate_error=no_answer,
        refusal=_refusal(ports, spec.domain) if no_answer or (certificate and certificate.late) else None,
    )


class _Workers(TypedDict):
    workers: Mapping[str, str]
    idle_workers: tuple[str, ...]
    not_at_boot: tuple[str, ...]


def _workers(ports: Ports, known: Record, serving: Colour, crashed: Mapping[str, Crashes]) -> _Workers:
    """What is wrong with the workers of what serves, and which of the other colour are still about."""

    def runs(service: str) -> bool:
        return units.state(ports, service).running

    def at_boot(service: str) -> bool:
        return ports.files.link_target(paths.starts_at_boot(service)[0]) is not None

    ours, idle = known.colours[serving].spec.workers, known.colours.get(other(serving))
    services = {worker.name: worker.services(serving) for worker in ours}
    wrong = {name: crashes.of_worker(some, [*filter(runs, some)], crashed) for name, some in services.items()}
    theirs = [
        each for worker in (idle.spec.workers if idle else ()) for each in worker.services(other(serving))
    ]
    return {
        "workers": {name: cause for name, cause in wrong.items() if cause},
        "idle_workers": tuple(each for each in theirs if runs(each) or at_boot(each)),
        "not_at_boot": tuple(each for some in services.values() for each in some if not at_boot(each)),
    }


def _has_certificate(spec: Spec) -> bool:
    """Whether visitors come here, by TLS that ends here."""
    text = spec.site or ""
    return bool(names.public(text)) and not names.without_tls(text)


def _certificate(ports: Ports, domain: str) -> tuple[Validity | None, str]:
    try:
        return ports.http.certificate(_LISTENER, Tls(domain, paths.CA_FILE), _TIMEOUT_MS), ""
    except NoReply as error:
        return None, str(error)


def _refusal(ports: Ports, domain: str) -> Refusal | None:
    """Why there is no certificate, or no newer one; the journal that says so may be large."""
    return refusals(ports.runner.run(commands.caddy_said(WORDS)).out).get(domain)
