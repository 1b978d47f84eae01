"""Command lines of systemd-nspawn: a command in a throw-away copy of a root, and a booted host."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
# Calls that crun and podman make and that nspawn's default filter refuses.
_CALLS = "--system-call-filter=add_key keyctl bpf"


def _common(root: Path, machine: str) -> list[str]:
    # Its control group is the one it is started in: see commands.contained.
    place = ["--register=no", "--keep-unit"]
    return ["systemd-nspawn", "--quiet", f"--directory={root}", f"--machine={machine}", *place]


def command(
    root: Path,
    argv: Sequence[str],
    *,
    machine: str,
    keep: bool = False,
    all_capabilities: bool = False,
    binds: Mapping[Path, str] | None = None,
    read_only_binds: Mapping[Path, str] | None = None,
    bridge: str | None = None,
    networks: Sequence[str] = (),
) -> list[str]:
    """Run ``argv`` in ``root``, with this machine's network or on ``bridge`` and ``networks`` as :func:`boot` has it.

    Changes are thrown away unless ``keep``; ``binds`` map folders and files of this machine to paths inside.
    """
    line = _common(root, machine)
    line += ["--pipe", "--as-pid2", "--resolv-conf=off"]
    if not keep:
        line += ["--read-only", "--volatile=overlay"]  # read-only: several may use the root at once
    if all_capabilities:
        line += ["--capability=all", _CALLS]
    line += [*([f"--network-bridge={bridge}"] if bridge else []), *_private(networks)]
    shared = {Path("/etc/resolv.conf"): "/etc/resolv.conf", **(read_only_binds or {})}
    line += [f"--bind={source}:{target}" for source, target in (binds or {}).items()]
    line += [f"--bind-ro={source}:{target}" for source, target in shared.items()]
    line += [f"--setenv={name}" for name in PROXY_VARIABLES if name in os.environ]
    line += ["--setenv=DEBIAN_FRONTEND=noninteractive", "--", *argv]
    return line


def boot(
    root: Path,
    *,
    machine: str,
    uuid: str,
    bridge: str,
    binds: Mapping[Path, str],
    read_only_binds: Mapping[Path, str],
    networks: Sequence[str] = (),
) -> list[str]:
    """Boot ``root`` as a machine on ``bridge``; its exit status is 133 when it wants to be booted again.

    ``networks`` are further interfaces of this machine that it gets a ``mv-…`` of its own on (macvlan).
    """
    line = _common(root, machine)
    line += ["--boot", "--capability=all", _CALLS, f"--uuid={uuid}", f"--network-bridge={bridge}"]
    line += _private(networks)
    line += ["--link-journal=no", "--resolv-conf=off", "--console=pipe"]
    line += [f"--bind={source}:{target}" for source, target in binds.items()]
    line += [f"--bind-ro={source}:{target}" for source, target in read_only_binds.items()]
    return line


def _private(networks: Sequence[str]) -> list[str]:
    return [f"--network-macvlan={network}" for network in networks]


def environment() -> dict[str, str]:
    """What systemd-nspawn must find in its environment: the guest knows cgroup v2 only, as Debian 13."""
    return {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
