"""A bad file never replaces a good one: what reads it is asked first, on a copy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from agent.bundle.document import File
from agent.documents.errors import Failed
from agent.edge import site
from agent.host import commands, paths
from agent.host.ports import Ports

_LETS_IN: Final = "/.ssh/authorized_keys"
_CANDIDATES: Final = f"{paths.STATE}/check"
_SSHD_NEEDS: Final = "/run/sshd"  # `sshd -t` refuses everything without it, and only a started sshd makes it


def check(ports: Ports, write: tuple[File, ...]) -> None:
    """Ask sshd, nft and Caddy about the files that they will read. Raises Failed before anything changed."""
    for file in write:
        ask = _checker(file.path)
        if ask is not None:
            ports.files.directory(_SSHD_NEEDS, 0o755, "root:root")
            candidate = f"{_CANDIDATES}/{file.path.rpartition('/')[2]}"
            ports.files.write(candidate, file.content, 0o600)
            result = ports.runner.run(ask(candidate))
            ports.files.remove(candidate)
            if not result.ok:
                lines = result.text.replace(candidate, file.path).splitlines()
                _refuse(file.path, lines[0] if lines else f"status {result.code}", tuple(lines))
        if file.path.endswith(_LETS_IN):
            _lets_the_caller_in(ports, file)
    caddy = {file.path: file.content for file in write if _is_caddy(file.path)}
    if caddy and site.caddy_runs(ports):
        error = site.validate(ports, "bundle", caddy)
        if error:
            _refuse(", ".join(caddy), error, ())


def _checker(path: str) -> Callable[[str], list[str]] | None:
    if path == "/etc/ssh/sshd_config" or path.startswith("/etc/ssh/sshd_config.d/"):
        return commands.sshd_check
    if path.endswith(_LETS_IN):
        return commands.keys_check
    if path == "/etc/nftables.conf" or path.endswith(".nft"):
        return commands.nft_check
    return None


def _lets_the_caller_in(ports: Ports, file: File) -> None:
    """Whoever sends a list of keys is on it: nobody locks himself out. Raises Failed."""
    key = ports.asker.key()
    lines = file.content.decode("utf-8", "replace").splitlines()
    words = [line.split() for line in lines if not line.lstrip().startswith("#")]
    if key and not any(key.split() == [*pair] for each in words for pair in pairwise(each)):
        _refuse(file.path, f"it lacks the key by which this very session logged in ({key.split()[0]})", ())


def _is_caddy(path: str) -> bool:
    return path == paths.CADDYFILE or path.startswith(f"{paths.SITES}/")


def _refuse(path: str, cause: str, log: tuple[str, ...]) -> None:
    raise Failed(
        "check",
        f"{path} would be refused: {cause}",
        "correct what it is rendered from and run again; the file in place was not touched",
        log=log[-10:],
    )
