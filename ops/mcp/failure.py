"""`explain_failure`: the phase, the cause, and what to try, from the agent's history and the last update's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ops import deploy
from ops.logs import Query, logs
from ops.mcp import hosts
from ops.mcp.answers import Explained
from ops.mcp.untrusted import plain, untrusted
from ops.mcp.world import World

_LINES: Final = 30
_TRY: Final[Mapping[str, str]] = {
    "observe": "Look at doctor: the host's own files are not as the agent left them.",
    "lock": "Wait for the other run to end, then deploy again.",
    "pull": "Check that the image's name and tag exist and that the servers may read its registry (registryCredentials).",
    "check": "The image has no such user, port or file: compare it with the manifest's environment and features.",
    "prepare": "Look at doctor: the host has no room, or a folder is not as it should be.",
    "cache": "Look at doctor: Redis on the data server does not answer or refuses the project's user.",
    "job": "The migration or other job before the release failed: its own lines say why; run it against a copy first.",
    "start": "The container ends by itself: its own lines say why. Often a variable is missing, or the command is wrong.",
    "health": "The app starts but does not answer its health check in time: check monitoring.health (path, start_timeout) "
    "and what its lines say; a database or other service that it needs may not answer.",
    "canary": "The new release failed under a share of the visitors: its lines say why.",
    "edge": "Caddy refused the site, or does not answer: look at doctor.",
    "resume": "The project's maintenance can't be ended: look at its status.",
    "revive": "The previous release does not start any more: deploy a manifest that names an image that works.",
    "switch": "Caddy did not take the new address: look at doctor.",
    "probe": "The release answers by itself, but not through Caddy: check domain, aliases and certificates with doctor.",
}
_INTERRUPTED: Final = "The run was killed or the host went down; all is put back. Deploy again."
_UNHEALTHY: Final = (
    "The serving release is not healthy. If a release before it was, a rollback brings that back at once."
)
_SERVES: Final = "What served before still serves: there is no hurry, and nothing to roll back unless status says unhealthy."
_MANIFEST: Final = "Nothing was released: validate_manifest names the places that are wrong."


def explain(world: World, stack: str, project: str) -> Explained:
    """Why a project is not well, or its last release did not come about."""
    found, unanswered = hosts.status_of(world, stack, project)
    updated = _last_update(world, stack, project, found)
    failed = _last_failure(found)
    cause = str(failed.get("cause", ""))
    phase = cause.partition(":")[0] if cause.partition(":")[0] in _TRY else ""
    wrong = [status for _, status in found if status.get("status") != "healthy"]
    lines = [f"{project} on {server}: {each['cause']}" for server, each in found if each.get("cause")]
    wrote = _wrote(world, stack, project) if failed or wrong else []
    return Explained(
        ok=not failed and not wrong and not updated and not unanswered and bool(found),
        stack=stack,
        project=project,
        status=plain(wrong[0].get("status")) if wrong else "healthy" if found else "unknown",
        phase=phase,
        at=plain(failed.get("at")),
        what_to_try=_to_try(failed, phase, bool(wrong), bool(updated)),
        said=untrusted([*wrote, *unanswered, *lines, *([cause] if cause else []), *updated]),
    )


def _wrote(world: World, stack: str, project: str) -> list[str]:
    """The newest lines of its containers and jobs."""
    query = Query(project, ("app", "worker", "job"), lines=_LINES)
    result = logs(query, hosts.servers(world, stack), world.tell)
    return list(result.lines)


def _last_failure(found: hosts.Found) -> Mapping[str, Any]:
    """The newest release of all servers, if it did not come about; a later one that did ends the matter on its server."""
    newest: Mapping[str, Any] = {}
    for _, status in found:
        past = next(hosts.history_of(status), {})
        after = max(str(newest.get("at", "")), str(hosts.release_of(status).get("at", "")))
        if past.get("outcome") in ("failed", "interrupted") and str(past.get("at", "")) > after:
            newest = past
    return newest


def _last_update(world: World, stack: str, project: str, found: hosts.Found) -> list[str]:
    """What the last deployment from here said of the project, or of the stack as a whole, if nothing came after it."""
    document = deploy.last(world.folder, stack)
    since = [str(hosts.release_of(status).get("at", "")) for _, status in found]
    if document.get("ok", True) or str(document.get("at", "")) < max(since, default=""):
        return []
    errors = [str(line) for line in document.get("errors", [])]
    about = [line for line in errors if line.startswith((f"{project}-", f"{project}:")) or project in line]
    return about or ([] if document.get("failed") else errors)


def _to_try(failed: Mapping[str, Any], phase: str, wrong: bool, updated: bool) -> list[str]:
    advice = [_TRY[phase]] if phase else []
    if failed.get("outcome") == "interrupted":
        advice.append(_INTERRUPTED)
    if wrong:
        advice.append(_UNHEALTHY)
    elif failed:
        advice.append(_SERVES)
    if updated and not failed:
        advice.append(_MANIFEST)
    return advice
