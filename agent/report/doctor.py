"""The verb `doctor`: gathers facts, lets `diagnosis` judge them, says what is wrong and what to do."""

from __future__ import annotations

from agent.bundle.applied import load_applied
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import drain, site
from agent.host import commands, paths, units
from agent.host.paths import COLOURS, Colour, other
from agent.host.ports import NoReply, Ports, Tls
from agent.project import health, record
from agent.release import undo
from agent.report import diagnosis
from agent.report.diagnosis import Problem, ProjectFacts
from agent.report.status import host_facts

_LISTENER = "127.0.0.1:443"
_TIMEOUT_MS = 5000


def doctor(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Everything wrong with this host; `ok` is true when that is nothing. Raises BadDocument."""
    document.version()
    document.end()
    facts = [_project(ports, project) for project in record.known_projects(ports)]
    problems = [problem for each in facts for problem in diagnosis.project_problems(each)]
    problems += _host(ports, {each.project: each.serving for each in facts})
    banned = ports.runner.run(commands.SHUT_OUT)
    addresses = banned.out.split() if banned.ok else []
    if addresses:
        problems += diagnosis.shut_out(addresses, ports.runner.run(commands.LOGINS).out)
    return {
        "ok": not problems,
        "host": host_facts(ports),
        "problems": [{"what": problem.what, "remedy": problem.remedy} for problem in problems],
        "shut_out": len(addresses),
        "summary": _summary(problems, len(addresses)),
    }


def _summary(problems: list[Problem], shut_out: int) -> str:
    lines = [f"  - {problem.what}\n    {problem.remedy}" for problem in problems]
    head = f"{len(problems)} problems:" if problems else "all is well"
    tail = [f"addresses that Fail2Ban shuts out: {shut_out}"] if shut_out else []
    return "\n".join([head, *lines, *tail])


def _host(ports: Ports, serving: dict[str, Colour | None]) -> list[Problem]:
    run, files = ports.runner.run, ports.files
    configuration = (files.read("/etc/nftables.conf") or b"").decode()
    return [
        *diagnosis.failed_units(run(commands.FAILED_UNITS).out, serving),
        *diagnosis.disk("/var/lib", files.disk_used_percent("/var/lib")),
        *diagnosis.podman(run(commands.PODMAN_VERSION).out.strip()),
        *diagnosis.sshd(run(commands.SSHD_SETTINGS).out),
        *diagnosis.firewall(configuration, run(commands.NFT_TABLES).out),
        *diagnosis.orphans(files.listing(paths.QUADLET), serving),
        *_clock(ports),
        *_caddy(ports),
        *diagnosis.draining(drain.stale(ports)),
        *_bundle(ports),
    ]


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
    return (
        [Problem(f"Caddy would refuse its files: {error}", "release the project named again")]
        if error
        else []
    )


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


def _project(ports: Ports, project: str) -> ProjectFacts:
    try:
        known = record.load(ports, project)
        serving = record.serving(ports, project, known)
        unfinished = undo.load(ports, project) is not None
    except Failed as error:
        return ProjectFacts(project, unreadable=error.failure.cause)
    if known is None or serving is None or serving not in known.colours:
        return ProjectFacts(project, unfinished=unfinished)
    spec = known.colours[serving].spec
    days, no_answer = _certificate(ports, spec.domain) if spec.site is not None else (None, "")
    return ProjectFacts(
        project,
        serving=serving,
        sick=health.check(ports, spec, serving).reason,
        unfinished=unfinished,
        at_boot=frozenset(c for c in COLOURS if ports.files.link_target(paths.boot_link(project, c))),
        standby_runs=units.state(ports, paths.service(project, other(serving))).running,
        standby_timer=units.state(ports, f"{paths.standby(project)}.timer").running,
        site_differs=site.damaged(ports, spec),
        certificate_days=days,
        certificate_error=no_answer,
    )


def _certificate(ports: Ports, domain: str) -> tuple[float | None, str]:
    try:
        return ports.http.certificate_days(_LISTENER, Tls(domain, paths.CA_FILE), _TIMEOUT_MS), ""
    except NoReply as error:
        return None, str(error)
