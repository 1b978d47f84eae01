"""What is wrong with a host, in words: pure judgements of facts that `doctor` gathers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.host.paths import COLOURS, DRAINING, Colour, container, other, service
from agent.host.ports import Validity
from agent.report.crashes import Crashes
from agent.report.refusals import Refusal

DISK_PERCENT = 85
_PODMAN = (5, 4)
_JOURNAL = "see `journalctl -u caddy`"
_DNS = f"does its DNS record point here? {_JOURNAL}"


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do about it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class ProjectFacts:
    """A project as found. `serving` None: nothing does; `unreadable` and `sick` say why, "" when fine.

    `workers` says by name what is wrong with those of what serves, `not_at_boot` are their services that don't start at
    boot, `idle_workers` the other colour's that do or run. `lost` are names of its release that another project's site has,
    and whose.
    `working`: a release, a rollback or a removal is under way, so that much is neither as it was nor as it will be.
    """

    project: str
    serving: Colour | None = None
    unreadable: str = ""
    working: bool = False
    sick: str = ""
    unfinished: bool = False
    at_boot: frozenset[Colour] = frozenset()
    standby_runs: bool = False
    standby_timer: bool = False
    site_differs: bool = False
    lost: Mapping[str, str] = field(default_factory=dict)
    workers: Mapping[str, str] = field(default_factory=dict)
    idle_workers: tuple[str, ...] = ()
    not_at_boot: tuple[str, ...] = ()
    certificate: Validity | None = None
    certificate_error: str = ""
    refusal: Refusal | None = None


def project_problems(facts: ProjectFacts) -> list[Problem]:
    """Everything wrong with one project."""
    name = facts.project
    if facts.unreadable:
        return [Problem(f"{name}: {facts.unreadable}", "move the file away and release again")]
    found = [Problem(f"{name}: an unfinished release was killed", "release again: it is put back first")]
    found = found if facts.unfinished else []
    if facts.serving is None:
        if facts.working:
            return found
        return [*found, Problem(f"{name}: nothing serves, it has no upstream file", "release it again")]
    if facts.sick:
        what = f"{name}: {facts.serving}, where users are sent, {facts.sick}"
        unit = service(name, facts.serving)
        found.append(Problem(what, f"see `journalctl -u {unit}`, or roll back (codeb-agent rollback)"))
    if facts.working:
        return found
    found += _boot(facts)
    found += _workers(facts)
    for other_project in sorted(set(facts.lost.values())):
        gone = ", ".join(sorted(each for each, whose in facts.lost.items() if whose == other_project))
        remedy = f"`pulumi up` releases {name} without them; to have them back, take them out of {other_project}'s manifest"
        found.append(Problem(f"{name}: {gone} went to {other_project}, which answers there now", remedy))
    if facts.site_differs:
        found.append(Problem(f"{name}: its site file is not the one that was released", "release it again"))
    return found + _certificate(facts)


def _certificate(facts: ProjectFacts) -> list[Problem]:
    name, shown = facts.project, facts.certificate
    if facts.certificate_error:
        what, remedy = f"{name}: HTTPS doesn't answer: {facts.certificate_error}", _DNS
    elif shown is not None and shown.left < 0:
        what, remedy = f"{name}: its certificate has expired", _JOURNAL
    elif shown is not None and shown.late:
        left = f"{shown.left:.0f} days" if shown.left >= 2 else f"{shown.left * 24:.0f} hours"
        what, remedy = f"{name}: its certificate ends in {left} and is not renewed", _JOURNAL
    else:
        return []
    if facts.refusal is None:
        return [Problem(what, remedy)]
    return [Problem(f"{what}; the last order came to nothing: {facts.refusal.cause}", facts.refusal.remedy)]


def _boot(facts: ProjectFacts) -> list[Problem]:
    name, serving = facts.project, facts.serving
    if serving is None:
        return []
    found = []
    if serving not in facts.at_boot:
        found.append(Problem(f"{name}: {serving} serves but doesn't start at boot", "release it again"))
    if other(serving) in facts.at_boot:
        found.append(
            Problem(f"{name}: {other(serving)} doesn't serve but starts at boot", "release it again")
        )
    if facts.standby_runs and not facts.standby_timer:
        unit = service(name, other(serving))
        what = f"{name}: {other(serving)} stands by with no timer to stop it"
        found.append(Problem(what, f"release it again, or `systemctl stop {unit}`"))
    return found


def _workers(facts: ProjectFacts) -> list[Problem]:
    name, again = facts.project, "release it again"
    found = [
        Problem(
            f"{name}: its worker {worker}: {cause}",
            f"see `journalctl -u 'codeb-{name}-{facts.serving}-w-{worker}@*'`; `codeb restart {name}` starts it anew",
        )
        for worker, cause in sorted(facts.workers.items())
    ]
    found += [Problem(f"{name}: {each} doesn't start at boot", again) for each in facts.not_at_boot]
    what = "is of the release that doesn't serve, but runs or starts at boot"
    return found + [Problem(f"{name}: {each} {what}", again) for each in facts.idle_workers]


def failed_units(listing: str, serving: Mapping[str, Colour | None]) -> list[Problem]:
    """Units that are there and failed; a colour that doesn't serve may have ended with SIGTERM's status, which is fine."""
    idle = {
        service(project, colour)
        for project, active in serving.items()
        for colour in COLOURS
        if colour != active
    }
    rows = [line.replace("●", " ").split() for line in listing.splitlines()]
    names = [words[0] for words in rows if words and words[1:2] != ["not-found"]]
    return [
        Problem(f"unit {name} has failed", f"see `journalctl -u {name}`, then `systemctl restart {name}`")
        for name in names
        if name not in idle
        and not name.startswith(tuple(f"{each.removesuffix('.service')}-w-" for each in idle))
    ]


def restless(crashed: Mapping[str, Crashes]) -> list[Problem]:
    """Services of the platform that end by themselves again and again."""
    return [
        Problem(f"service {name} {each}", f"see `journalctl -u {name}`")
        for name, each in crashed.items()
        if each.loop
    ]


def disk(path: str, percent: float) -> list[Problem]:
    """A disk that fills up."""
    if percent <= DISK_PERCENT:
        return []
    remedy = "`podman image prune -a` removes images nobody runs; `journalctl --vacuum-size=200M`; or a bigger disk"
    return [Problem(f"{path} is {percent:.0f} % full", remedy)]


def readable_by_others(paths: Iterable[str]) -> list[Problem]:
    """Copies of user data that not only root can read."""
    return [
        Problem(f"{path} holds user data and others than root can read it", f"`chmod 600 {path}`")
        for path in paths
    ]


def podman(version: str) -> list[Problem]:
    """Quadlet as the units need it came with Podman 5.4."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers >= _PODMAN:
        return []
    wanted = ".".join(map(str, _PODMAN))
    return [Problem(f"podman is {version or 'missing'}, needed is {wanted}", "use Debian 13 or newer")]


def sshd(settings: str) -> list[Problem]:
    """Password login."""
    on = re.search(r"^(passwordauthentication|kbdinteractiveauthentication) yes$", settings, re.MULTILINE)
    if not on:
        return []
    return [
        Problem(f"sshd allows passwords ({on[1]} yes)", "apply the server's bundle again (codeb-agent apply)")
    ]


def shut_out(banned: Iterable[str], logins: str) -> list[Problem]:
    """Addresses that Fail2Ban shuts out although somebody has logged in from them: they are ours, most likely.

    `logins` are sshd's lines on logins that it let in. Strangers are no problem.
    """
    ours = set(re.findall(r"^Accepted .* from (\S+) port ", logins, re.MULTILINE))
    return [
        Problem(
            f"Fail2Ban shuts out {address}, from which somebody has logged in before",
            f"when it is one of yours: `fail2ban-client set sshd unbanip {address}`, and name it in codeb:adminAddresses",
        )
        for address in banned
        if address in ours
    ]


def firewall(configuration: str, tables: str) -> list[Problem]:
    """Tables that nftables.conf names and the kernel doesn't have."""
    wanted = re.findall(r"^\s*table\s+(\w+)\s+([\w-]+)\s*\{", configuration, re.MULTILINE)
    loaded = set(re.findall(r"^table (\w+) ([\w-]+)", tables, re.MULTILINE))
    if not configuration:
        return [Problem("no firewall: /etc/nftables.conf is missing", "apply the server's bundle")]
    missing = [" ".join(table) for table in wanted if table not in loaded]
    if wanted and not missing:
        return []
    what = f"firewall not loaded: {', '.join(missing) or 'nftables.conf has no table'}"
    return [Problem(what, "`systemctl restart nftables`; see `nft -c -f /etc/nftables.conf`")]


def certificates(from_copy: bool) -> list[Problem]:
    """Edges that share certificates, one of which doesn't reach them."""
    if not from_copy:
        return []
    what = (
        "Caddy serves from its copy of the certificates that the edges share, and orders and renews none here"
    )
    return [Problem(what, "`journalctl -u codeb-certificates` says why; it is tried again every few seconds")]


def draining(stale: bool) -> list[Problem]:
    """The marker of a reload that was killed."""
    if not stale:
        return []
    what = f"{DRAINING} is left from a run that was killed: Caddy closes each connection after one answer"
    return [Problem(what, f"run again what was killed, or `rm {DRAINING}`")]


def unmasked(left_out: int) -> list[Problem]:
    """Secrets for which the collector has no room."""
    if not left_out:
        return []
    what = f"{left_out} secrets of this server are masked in its log store by their form alone: there are too many"
    remedy = (
        "run fewer projects with `environment.secrets` here, or give those values of 40 letters and digits"
    )
    return [Problem(what, remedy)]


def orphans(quadlets: Iterable[str], projects: Iterable[str]) -> list[Problem]:
    """Containers of projects that nobody remembers."""
    known = {f"{container(project, colour)}.container" for project in projects for colour in COLOURS}
    pattern = re.compile(r"codeb-(.+)-(?:blue|green)\.container")
    found = [
        (name, match[1]) for name in quadlets if name not in known and (match := pattern.fullmatch(name))
    ]
    return [
        Problem(
            f"unit file {name} belongs to no project known here",
            f'echo \'{{"project": "{project}"}}\' | codeb-agent remove',
        )
        for name, project in found
    ]


def not_running(states: Mapping[str, bool], missing_files: Iterable[str]) -> list[Problem]:
    """Services and files of the bundle that are not there."""
    remedy = "apply the server's bundle again (codeb-agent apply)"
    down = [Problem(f"service {name} doesn't run", remedy) for name, runs in states.items() if not runs]
    return down + [Problem(f"{path} is missing", remedy) for path in missing_files]
