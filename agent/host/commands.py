"""Every program that the agent runs, as token lists. No shell reads them, so nothing is ever quoted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.host import paths

CADDY_RELOAD: Final = [
    *("podman", "exec", paths.CADDY_CONTAINER, "caddy", "reload"),
    *("--config", paths.CADDYFILE, "--adapter", "caddyfile"),
]
CADDY_RELOAD_ALL_THE_SAME: Final = [*CADDY_RELOAD, "--force"]
"""Also when its files are as they were: what it gave up is begun anew."""
DAEMON_RELOAD: Final = ["systemctl", "daemon-reload"]
FAILED_UNITS: Final = ["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--full"]
PODMAN_VERSION: Final = ["podman", "version", "--format", "{{.Client.Version}}"]
SSHD_SETTINGS: Final = ["sshd", "-T"]
CLOCK_SYNCHRONISED: Final = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
IN_CONTAINER: Final = ["systemd-detect-virt", "--quiet", "--container"]
RUNNING_SERVICES: Final = [
    *("systemctl", "list-units", "--output=json", "--type=service", "--state=active,reloading"),
    "codeb-*",
]
STANDBY_TIMERS: Final = ["systemctl", "list-timers", "--output=json", "codeb-*-standby.timer"]
USER_DATA_SHOWN: Final = [
    *("find", "/var/lib/cloud", "/run/cloud-init", "-xdev", "-type", "f", "-perm", "/044"),
    *(
        "-regextype",
        "posix-extended",
        "-regex",
        r".*/(user-data\.txt.*|cloud-config\.txt|.*sensitive.*|obj\.pkl)",
    ),
]
"""Cloud-init's copies of user data, first keys in it, that others than root can read."""
SHUT_OUT: Final = ["fail2ban-client", "get", "sshd", "banip"]
LOGINS: Final = [
    *("journalctl", "--no-pager", "--output=cat", "--since=-90d", "--grep=^Accepted "),
    *("_COMM=sshd", "_COMM=sshd-session"),
]
HOLD_CONNECTIONS: Final = ["nft", "-f", paths.HOLD]
FREE_CONNECTIONS: Final = ["nft", "delete", "table", "inet", "codeb_hold"]
NFT_TABLES: Final = ["nft", "list", "tables"]
_APT: Final = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
APT_UPDATE: Final = [*_APT, "update"]
PROPERTIES: Final = (
    "ActiveState,SubState,Result,NRestarts,ExecMainCode,ExecMainStatus,LoadState,UnitFileState"
)


def start(*units: str) -> list[str]:
    return ["systemctl", "start", *units]


def stop(*units: str) -> list[str]:
    return ["systemctl", "stop", *units]


def restart(unit: str) -> list[str]:
    return ["systemctl", "restart", unit]


def restart_soon(unit: str) -> list[str]:
    """Have a unit run from its start, without waiting for it; one that runs just now is ended first."""
    return ["systemctl", "restart", "--no-block", unit]


def reload(unit: str) -> list[str]:
    return ["systemctl", "reload", unit]


def enable(unit: str) -> list[str]:
    return ["systemctl", "enable", unit]


def disable(unit: str) -> list[str]:
    return ["systemctl", "disable", "--now", unit]


def not_at_boot(unit: str) -> list[str]:
    """Not started at boot any more; one that runs goes on."""
    return ["systemctl", "disable", unit]


def reset_failed(*units: str) -> list[str]:
    return ["systemctl", "reset-failed", *units]


def show(unit: str) -> list[str]:
    return ["systemctl", "show", f"--property={PROPERTIES}", unit]


def restarts(units: Sequence[str]) -> list[str]:
    """How often systemd has started these units (names or patterns) again by itself, and when their state changed last."""
    properties = "Id,NRestarts,StateChangeTimestamp"
    return ["systemctl", "show", "--timestamp=unix", f"--property={properties}", *units]


def read_yet(units: Sequence[str]) -> list[str]:
    """Whether systemd has read the files of these units as they are: a block a unit, in this order."""
    return ["systemctl", "show", "--property=LoadState,NeedDaemonReload", *units]


def invocation(unit: str) -> list[str]:
    """What is another with each start of a unit."""
    return ["systemctl", "show", "--property=InvocationID", unit]


def instances(templates: Sequence[str]) -> list[str]:
    """All services of these templates that systemd knows of, whatever their state."""
    patterns = [f"{template}@*.service" for template in templates]
    return ["systemctl", "list-units", "--output=json", "--type=service", "--all", *patterns]


def stop_later(timer: str, unit: str, minutes: int) -> list[str]:
    """A transient timer that stops a unit; gone after a reboot, when the unit isn't started either."""
    return [
        *("systemd-run", "--quiet", "--collect", f"--unit={timer}", f"--on-active={minutes}m"),
        *("--timer-property=AccuracySec=1s", f"--description=stop the standby {unit}"),
        *("systemctl", "stop", unit),
    ]


def journal_written() -> list[str]:
    """Wait until journald has written what it was sent."""
    return ["journalctl", "--sync"]


def logs(unit: str, since: float, lines: int) -> list[str]:
    """What the processes of a unit wrote since a moment (seconds since 1970).

    By the container's name, too: journald can't tell the unit of a sender (conmon) that has ended when it reads the line.
    """
    return [
        *("journalctl", "--no-pager", "--output=json", "--output-fields=MESSAGE,SYSLOG_IDENTIFIER"),
        *(f"--lines={lines}", f"--since=@{since:.3f}", f"_SYSTEMD_UNIT={unit}"),
        *("+", f"CONTAINER_NAME={paths.container_of(unit)}"),
    ]


def access_log(address: str, since: float) -> list[str]:
    """Lines of Caddy's access log that name an upstream, since a moment (seconds since 1970)."""
    return [
        *("journalctl", "--no-pager", "--output=cat", f"--since=@{since:.3f}"),
        *(f"--grep={re.escape(address)}", f"_SYSTEMD_UNIT={paths.CADDY_SERVICE}"),
    ]


def journal(matches: Sequence[str], since: str, until: str, *, follow: bool, words: str = "") -> list[str]:
    """Entries with one of these alternatives (`FIELD=value`, `+` between them) and `words`, a regular expression.

    The newest first, or those to come. `since` and `until` are moments (seconds since 1970) or "".
    """
    fields = "MESSAGE,SYSLOG_IDENTIFIER,CONTAINER_NAME,CONTAINER_PARTIAL_MESSAGE,_LINE_BREAK,_SYSTEMD_UNIT"
    return [
        *("journalctl", "--quiet", "--no-pager", "--all", "--output=json", f"--output-fields={fields}"),
        *(("--follow", "--no-tail") if follow else ("--reverse",)),
        *([f"--since=@{since}"] if since else []),
        *([f"--until=@{until}"] if until else []),
        *([f"--grep={words}"] if words else []),
        *matches,
    ]


def audited(project: str) -> list[str]:
    """The lines of the audit log that name a project, the oldest first."""
    return ["grep", "--fixed-strings", f'"project": "{project}"', paths.AUDIT]


def audited_from_now() -> list[str]:
    """The lines that come to the audit log, of all projects."""
    return ["tail", "--lines=0", "--follow=name", "--retry", paths.AUDIT]


def caddy_said(words: str) -> list[str]:
    """The last of Caddy's lines with these words, a regular expression."""
    return [
        *("journalctl", "--no-pager", "--output=cat", "--since=-1d", "--lines=200"),
        *(f"--grep={words}", f"_SYSTEMD_UNIT={paths.CADDY_SERVICE}"),
    ]


def image_exists(reference: str) -> list[str]:
    return ["podman", "image", "exists", reference]


def pull(reference: str, authfile: str | None = None) -> list[str]:
    """Podman's own error names a registry's refusal; the credentials stay in the file."""
    options = [] if authfile is None else [f"--authfile={authfile}"]
    return ["podman", "pull", "--quiet", *options, reference]


def tag_image(image_id: str, name: str) -> list[str]:
    """Give an image that is here one more name."""
    return ["podman", "tag", image_id, name]


def list_images() -> list[str]:
    return ["podman", "image", "ls", "--format", "json"]


def remove_images(names: Sequence[str]) -> list[str]:
    """By names or ids. One that is in use is refused, the others go."""
    return ["podman", "image", "rm", *names]


def inspect_image(reference: str) -> list[str]:
    return ["podman", "image", "inspect", "--format", "{{json .}}", reference]


def inspect_container(container: str) -> list[str]:
    return ["podman", "container", "inspect", "--format", "{{json .}}", container]


def container_ids(containers: Sequence[str]) -> list[str]:
    """Name and id of each container, one a line; those that aren't there are skipped, with an error status."""
    return ["podman", "container", "inspect", "--format", "{{.Name}} {{.Id}}", *containers]


def died(container: str, since: float) -> list[str]:
    """Podman's record of containers that ended since a moment, with exit codes."""
    return [
        *("podman", "events", "--stream=false", f"--since={int(since)}", "--format", "json"),
        *("--filter", f"container={container}", "--filter", "event=died"),
    ]


def all_died(since: float) -> list[str]:
    """The same of all containers."""
    return [
        *("podman", "events", "--stream=false", f"--since={int(since)}", "--format", "json"),
        *("--filter", "event=died"),
    ]


def healthcheck(container: str) -> list[str]:
    return ["podman", "healthcheck", "run", container]


def remove_network(name: str) -> list[str]:
    return ["podman", "network", "rm", name]


def caddy_running() -> list[str]:
    return ["podman", "container", "exists", paths.CADDY_CONTAINER]


def caddy_validate(caddyfile: str) -> list[str]:
    return [
        *("podman", "exec", paths.CADDY_CONTAINER, "caddy", "validate"),
        *("--config", caddyfile, "--adapter", "caddyfile"),
    ]


def keys_check(path: str) -> list[str]:
    """Name the keys of a file that lets people in; an error status when it holds none."""
    return ["ssh-keygen", "-l", "-f", path]


def nft_check(path: str) -> list[str]:
    return ["nft", "-c", "-f", path]


def sshd_check(path: str | None = None) -> list[str]:
    return ["sshd", "-t"] if path is None else ["sshd", "-t", "-f", path]


def package_status(packages: tuple[str, ...]) -> list[str]:
    return ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]


def install(packages: tuple[str, ...]) -> list[str]:
    return [*_APT, "--no-install-recommends", "install", *packages]


def alone(lock: str, argv: Sequence[str]) -> list[str]:
    """Run a program, unless an earlier one is still at it."""
    return ["flock", "--nonblock", lock, *argv]


def entries(folder: str) -> list[str]:
    """The names in a folder, one a line. `find` takes a FUSE that has just been mounted for a loop now and then."""
    return ["ls", "--almost-all", "-1", folder]


def files_below(folder: str, name: str) -> list[str]:
    """Path, size and time of change of each file below one folder of a folder, one a line; the latter must be there."""
    return [
        *("find", folder, "-mindepth", "2", "-path", f"{folder}/{name}/*", "-type", "f"),
        *("-printf", "%P %s %T@\\n"),
    ]


def cut_off(path: str) -> list[str]:
    """Unmount a FUSE at once: all who wait for it, or have files open there, are given an error."""
    return ["umount", "--force", "--lazy", path]
