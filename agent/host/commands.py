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


def start(unit: str) -> list[str]:
    return ["systemctl", "start", unit]


def stop(unit: str) -> list[str]:
    return ["systemctl", "stop", unit]


def restart(unit: str) -> list[str]:
    return ["systemctl", "restart", unit]


def reload(unit: str) -> list[str]:
    return ["systemctl", "reload", unit]


def enable(unit: str) -> list[str]:
    return ["systemctl", "enable", unit]


def disable(unit: str) -> list[str]:
    return ["systemctl", "disable", "--now", unit]


def reset_failed(unit: str) -> list[str]:
    return ["systemctl", "reset-failed", unit]


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
        *("+", f"CONTAINER_NAME={unit.removesuffix('.service')}"),
    ]


def access_log(address: str, since: float) -> list[str]:
    """Lines of Caddy's access log that name an upstream, since a moment (seconds since 1970)."""
    return [
        *("journalctl", "--no-pager", "--output=cat", f"--since=@{since:.3f}"),
        *(f"--grep={re.escape(address)}", f"_SYSTEMD_UNIT={paths.CADDY_SERVICE}"),
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


def nft_check(path: str) -> list[str]:
    return ["nft", "-c", "-f", path]


def sshd_check(path: str | None = None) -> list[str]:
    return ["sshd", "-t"] if path is None else ["sshd", "-t", "-f", path]


def package_status(packages: tuple[str, ...]) -> list[str]:
    return ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]


def install(packages: tuple[str, ...]) -> list[str]:
    return [*_APT, "--no-install-recommends", "install", *packages]
