"""Pulling an image, with the stack's credentials for its registry, and why it failed in words."""

from __future__ import annotations

import json
import re
from typing import Final

from agent.documents.errors import Failed
from agent.host import asker, commands, paths
from agent.host.ports import Ports, Result
from agent.host.units import LOG_LINES

_PULL_S: Final = 900
_TIME_IS_UP: Final = 124
_UNAUTHORIZED: Final = re.compile(
    r"unauthorized|authentication required|invalid username/password|denied|no basic auth|40[13] ",
    re.IGNORECASE,
)
_UNKNOWN: Final = re.compile(
    r"manifest unknown|name unknown|not known to registry|not found|404", re.IGNORECASE
)
_UNREACHABLE: Final = re.compile(
    r"no such host|no route to host|network is unreachable|connection refused|i/o timeout|"
    r"deadline exceeded|connection reset|server misbehaving|temporary failure in name resolution|: EOF",
    re.IGNORECASE,
)
_UNTRUSTED: Final = re.compile(r"x509|certificate|HTTP response to HTTPS client", re.IGNORECASE)
_BROKEN: Final = re.compile(r"unexpected HTTP status:? 5\d\d|\b50[0234] [A-Z]")
_BUSY: Final = re.compile(r"toomanyrequests|too many requests", re.IGNORECASE)
_FULL: Final = re.compile(r"no space left", re.IGNORECASE)


class Unreachable(Failed):
    """The registry gave no answer: an image that is here already will do."""


def pull(ports: Ports, reference: str) -> None:
    """Pull an image. Raises Failed, with the cause in words; Unreachable when the registry didn't answer."""
    known = ports.files.read(paths.REGISTRIES)
    authfile = None if known is None else paths.REGISTRIES
    result = ports.runner.run(commands.pull(reference, authfile), timeout_s=_PULL_S, unless=ports.asker.gone)
    if not result.ok:
        asker.must_wait(ports, "pull")
        registry = registry_of(reference)
        cause, remedy = _why(reference, registry, result, has_credentials=registry in _registries(known))
        kind = Unreachable if _gave_no_answer(result) else Failed
        raise kind("pull", cause, remedy, log=tuple(result.text.splitlines()[-LOG_LINES:]))


def _gave_no_answer(result: Result) -> bool:
    if _FULL.search(result.text) or _UNTRUSTED.search(result.text):
        return False
    return result.code == _TIME_IS_UP or any(
        pattern.search(result.text) for pattern in (_UNREACHABLE, _BUSY, _BROKEN)
    )


def registry_of(reference: str) -> str:
    """`ghcr.io/team/app:1` → `ghcr.io`; a name without a registry is Docker Hub's."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def _registries(content: bytes | None) -> frozenset[str]:
    """The registries that the stack has credentials for."""
    try:
        return frozenset(json.loads(content or b"{}").get("auths", {}))
    except (ValueError, AttributeError, TypeError):
        return frozenset()


def _why(reference: str, registry: str, result: Result, *, has_credentials: bool) -> tuple[str, str]:
    """Cause and remedy. Order matters: a registry hides behind 401 what does not exist."""
    said = result.text
    if result.code == _TIME_IS_UP:
        return (
            f"{registry} gave {reference} too slowly: {_PULL_S} s are over",
            "check the network, then run again",
        )
    if _FULL.search(said):
        return (
            f"no space is left for {reference}",
            "see `df -h` and `podman system df` on the host, then run again",
        )
    if _BUSY.search(said):
        return f"{registry} allows no more pulls for now", f"wait, or {_set_credentials(registry)}"
    if _UNTRUSTED.search(said):
        remedy = "give the registry a trusted certificate (codeb:insecureRegistries is for labs only)"
        return f"{registry} has no certificate that this host trusts", remedy
    if _UNREACHABLE.search(said):
        remedy = f"check the registry's name in environment.image, and that this host reaches {registry}"
        return f"there is no route to the registry {registry}: {_last(said)}", remedy
    if _UNAUTHORIZED.search(said):
        return _refused(reference, registry, has_credentials=has_credentials)
    if _UNKNOWN.search(said):
        return (
            f"{registry} has no image {reference}: {_last(said, 1)}",
            "check environment.image, or push it first",
        )
    return f"{reference} can't be pulled: {_last(said)}", "see the log lines, then run again"


def _refused(reference: str, registry: str, *, has_credentials: bool) -> tuple[str, str]:
    if has_credentials:
        cause = f"{registry} refuses {reference} to the stack's credentials: authentication failed"
        return cause, f"check that the image exists and the user may read it, or {_set_credentials(registry)}"
    cause = f"{registry} wants a login for {reference}: authentication required"
    return cause, f"{_set_credentials(registry)}; or check that a public image exists by this name"


def _set_credentials(registry: str) -> str:
    place = f'codeb:registryCredentials["{registry}"]'
    return (
        f"run `pulumi config set --secret --path '{place}.username' …` and "
        f"`pulumi config set --secret --path '{place}.password'`, then `pulumi up`"
    )


def _last(said: str, parts: int = 2) -> str:
    """The innermost cause of podman's chain."""
    lines = (
        [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines() or ["no output"]
    )
    return ": ".join(lines[-1].split(": ")[-parts:])[:300]
