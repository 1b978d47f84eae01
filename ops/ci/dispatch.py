"""`codeb ci dispatch`: an app's pipeline tells the platform's repository what it has built. It needs a token that may do
that, and nothing else of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ops.ci import payload
from ops.ci.context import CiError
from ops.ci.plan import without_secrets
from ops.ci.world import PLATFORM_TOKEN, World
from ops.result import Result

IMAGE: Final = "IMAGE"
_NO_SECRETS: Final = (
    "this pull request comes from a fork, or from Dependabot: its run may not tell the platform anything, so there is no "
    "preview"
)


def release(project: str, platform: str, world: World) -> Result:
    """The platform is asked to run the image of `IMAGE`. Raises CiError."""
    return _send(
        platform, payload.RELEASE, {"project": project, "image": _image(world), **_source(world)}, world
    )


def preview(project: str, platform: str, world: World) -> Result:
    """The platform is told of this run's pull request: opened, pushed to, or closed. Raises CiError."""
    if without_secrets(world.workflow):
        return Result({"ok": True, "sent": False}, (_NO_SECRETS,))
    request = world.workflow.event.get("pull_request")
    if not isinstance(request, Mapping):
        raise CiError("this run is not of a pull request: call it from a workflow `on: pull_request`")
    closed = world.workflow.event.get("action") == "closed"
    told: dict[str, Any] = {
        "action": "close" if closed else "open",
        "project": project,
        "pull": payload.pull_number(request.get("number")),
    }
    if not closed:
        told["image"] = _image(world)
    head = request.get("head")
    commit = head.get("sha") if isinstance(head, Mapping) else None
    return _send(
        platform, payload.PREVIEW, {**told, **_source(world), "commit": payload.text("commit", commit)}, world
    )


def _send(platform: str, event: str, told: Mapping[str, Any], world: World) -> Result:
    token = world.environ.get(PLATFORM_TOKEN, "")
    if not token:
        raise CiError(
            f"{PLATFORM_TOKEN} is not set: give the step a fine-grained token with Contents: write on {platform}, a secret"
        )
    world.github(payload.text("repository", platform), token).post(
        "/dispatches", {"event_type": event, "client_payload": told}
    )
    document = {"ok": True, "sent": True, "event": event, "payload": dict(told)}
    return Result(document, (f"{platform} is told: {event} of {told['project']}",))


def _image(world: World) -> str:
    try:
        return payload.text("image", world.environ.get(IMAGE, ""))
    except CiError as error:
        raise CiError(f"{IMAGE}: {error}") from None


def _source(world: World) -> dict[str, str]:
    workflow = world.workflow
    return {
        "repository": payload.text("repository", workflow.repository),
        "commit": payload.text("commit", workflow.sha),
        "run_url": payload.text("run_url", workflow.url),
    }
