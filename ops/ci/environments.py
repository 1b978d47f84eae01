"""`codeb ci environments`: preview environments of pull requests come, are renewed, and go; their pull requests are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from codeb import names
from codeb.model import Manifests, Settings
from ops.ci import asking, notices, payload
from ops.ci.context import CiError
from ops.ci.deploying import Outcome, Work, bring_about
from ops.ci.payload import Preview
from ops.ci.report import Block, code, document
from ops.ci.world import APPS_TOKEN, World
from ops.request import request_text
from ops.result import Result
from ops.words import clean, count, table

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Known:
    """A preview environment that the stack has, by its registry. `until` is in UTC."""

    name: str
    project: str
    pull: int
    image: str
    until: datetime


def from_event(stack: str, world: World, only: str = "event") -> Result:
    """What the run's event asks for; `only` open or close does nothing else. Raises CiError."""
    wanted = payload.read_preview(world.workflow)
    if wanted is None:
        raise CiError(
            f"this run's event is no {payload.PREVIEW}: name --project and --pull, or `sweep` or `list` what is there"
        )
    if only not in ("event", wanted.action):
        raise CiError(
            f"the event asks to {wanted.action}, not to {only}: `codeb ci environments event` does what it asks"
        )
    return open_(wanted, stack, world) if wanted.action == "open" else close(wanted, stack, world)


def open_(wanted: Preview, stack: str, world: World) -> Result:
    """The environment is there with this image, and stays for its time to live from now on. Raises CiError."""
    settings, manifests = asking.read_stack(world.folder, stack)
    manifest = payload.checked(manifests, wanted.project, wanted.image, wanted.source.repository)
    name = names.preview(wanted.project, wanted.pull)
    until = (world.now() + timedelta(hours=_hours(settings))).strftime(_TIME)
    entry = {"project": wanted.project, "pull": wanted.pull, "image": wanted.image, "until": until}
    work = _work(
        stack, request_text({}, {name: entry}, []), f"preview {name}", settings, manifests, world, {name}
    )
    outcome = bring_about(work, world)
    home = wanted.source.repository or payload.home_of(manifest, world.workflow.server_url)
    text = (
        _is_there(wanted, name, until, outcome, world)
        if outcome.ok
        else _is_not(wanted, name, outcome, world)
    )
    warnings = _comment(home, wanted.pull, stack, name, text, world)
    url = _url(name, outcome.outputs)
    more = {"ok": outcome.ok, "environment": name, "url": url, "until": until, "phase": outcome.phase}
    lines = (*outcome.result.lines, f"{name}: {url}, until {until}") if outcome.ok else outcome.result.lines
    return Result({**outcome.result.document, **more}, lines, (*outcome.result.problems, *warnings))


def close(wanted: Preview, stack: str, world: World) -> Result:
    """The environment is gone, with its data; one that isn't there is gone already. Raises CiError."""
    settings, manifests = asking.read_stack(world.folder, stack)
    home = wanted.source.repository
    if wanted.project in manifests.files:
        manifest = payload.checked(manifests, wanted.project, "", wanted.source.repository)
        home = home or payload.home_of(manifest, world.workflow.server_url)
    name = names.preview(wanted.project, wanted.pull)
    if name not in {each.name for each in known(world.outputs(stack))}:
        warnings = _gone(home, wanted.pull, stack, name, "It is not there any more.", world, only_update=True)
        return Result({"ok": True, "closed": []}, (f"{name}: is not there",), tuple(warnings))
    outcome = _close([name], stack, settings, manifests, world)
    warnings = []
    if outcome.ok:
        warnings = _gone(home, wanted.pull, stack, name, "Its pull request is closed.", world)
    return _closed(outcome, [name], warnings)


def sweep(stack: str, world: World) -> Result:
    """Those whose time is over, or whose pull request is closed, are gone. Raises CiError."""
    settings, manifests = asking.read_stack(world.folder, stack)
    warnings: list[str] = []
    server = world.workflow.server_url
    over: dict[str, tuple[Known, str, str]] = {}
    for each in known(world.outputs(stack)):
        home = payload.home_of(manifests[each.project], server) if each.project in manifests.files else ""
        why = _over(each, home, world, warnings)
        if why:
            over[each.name] = (each, home, why)
    if not over:
        return Result({"ok": True, "closed": []}, ("nothing to close",), tuple(warnings))
    outcome = _close(sorted(over), stack, settings, manifests, world)
    if outcome.ok:
        for name, (each, home, why) in sorted(over.items()):
            warnings += _gone(home, each.pull, stack, name, why, world)
    return _closed(outcome, sorted(over), warnings)


def listing(stack: str, world: World) -> Result:
    """Those that are there: address, pull request, until when, image. Raises CiError."""
    outputs, now = world.outputs(stack), world.now()
    found = known(outputs)
    documents = [_document(each, outputs, now) for each in found]
    rows = [[clean(cell) for cell in row.values()] for row in documents]
    lines = table([key.upper() for key in documents[0]], rows) if rows else ["none"]
    return Result({"ok": True, "environments": documents}, tuple(lines))


def _document(each: Known, outputs: Mapping[str, Any], now: datetime) -> dict[str, object]:
    return {
        "environment": each.name,
        "url": _url(each.name, outputs),
        "pull": each.pull,
        "until": each.until.strftime(_TIME),
        "over": each.until <= now,
        "image": each.image,
    }


def known(outputs: Mapping[str, Any]) -> tuple[Known, ...]:
    """The environments in a stack's registry, by name. Raises CiError."""
    registry = outputs.get("registry")
    found = registry.get("previews", {}) if isinstance(registry, Mapping) else {}
    try:
        return tuple(
            Known(
                name,
                payload.text("project", each["project"]),
                payload.pull_number(int(each["pull"])),  # the CLI prints numbers as it likes
                payload.text("image", each["image"]),
                datetime.strptime(each["until"], _TIME).replace(tzinfo=UTC),
            )
            for name, each in sorted(found.items())
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CiError("the stack's registry has preview environments that this program can't read") from None


def _hours(settings: Settings) -> int:
    """How long one lives. Raises CiError for a stack that takes none."""
    if settings.previews is None:
        raise CiError(
            "the stack takes no preview environments: set codeb:previews on one with codeb:development: true"
        )
    return settings.previews.ttl_hours


def _over(each: Known, home: str, world: World, warnings: list[str]) -> str:
    """Why its time is over, "" while it isn't."""
    if each.until <= world.now():
        return f"Its time to live ended at {each.until.strftime(_TIME)}. Pushing to the pull request makes it again."
    github = world.apps(home)
    if github is None:
        return ""
    try:
        found = github.get(f"/pulls/{each.pull}")
    except CiError as error:
        warnings.append(f"warning: {each.name}: {error}")
        return ""
    closed = isinstance(found, Mapping) and found.get("state") == "closed"
    return "Its pull request is closed." if closed else ""


def _work(
    stack: str,
    request: str,
    what: str,
    settings: Settings,
    manifests: Manifests,
    world: World,
    also: Collection[str] = (),
) -> Work:
    said = f"{what}, run {world.workflow.run_id} of {world.workflow.repository}"
    return Work(stack, request, world.actor, said, settings, manifests, frozenset(also))


def _close(
    names: Sequence[str], stack: str, settings: Settings, manifests: Manifests, world: World
) -> Outcome:
    what = f"end of {count(len(names), 'preview')}: {', '.join(names)}"
    return bring_about(_work(stack, request_text({}, {}, names), what, settings, manifests, world), world)


def _closed(outcome: Outcome, names: Sequence[str], warnings: Sequence[str]) -> Result:
    lines = (
        (*outcome.result.lines, *(f"{name}: closed" for name in names))
        if outcome.ok
        else outcome.result.lines
    )
    more = {"ok": outcome.ok, "closed": list(names) if outcome.ok else [], "phase": outcome.phase}
    return Result({**outcome.result.document, **more}, lines, (*outcome.result.problems, *warnings))


def _url(name: str, outputs: Mapping[str, Any]) -> str:
    projects = outputs.get("projects")
    found = projects.get(name) if isinstance(projects, Mapping) else None
    return str(found.get("url", "")) if isinstance(found, Mapping) else ""


def _is_there(wanted: Preview, name: str, until: str, outcome: Outcome, world: World) -> str:
    url = _url(name, outcome.outputs)
    return document([
        f"### Preview environment {code(name)}",
        f"**{url}** runs {code(wanted.source.commit[:12] or wanted.image)} of this pull request until {until}; each push "
        "renews it. Its data is its own, and goes with it.",
        f"[The platform's run]({world.workflow.url})",
    ])  # fmt: skip


def _is_not(wanted: Preview, name: str, outcome: Outcome, world: World) -> str:
    """What went wrong with this environment; what else the platform's run says is not for the app's readers."""
    own = [each for each in map(partial(_own, name), outcome.result.problems) if each]
    return document([
        f"### Preview environment {code(name)}",
        f"{code(wanted.source.commit[:12] or wanted.image)} could not be shown; it failed in {outcome.phase}.",
        *([Block("**Errors**", own)] if own else []),
        f"[The platform's run]({world.workflow.url}) says more.",
    ])  # fmt: skip


def _own(name: str, problem: str) -> str:
    """A problem as far as it is of this environment; "" when it isn't. Who else is open is not for the app's readers."""
    said = problem.removeprefix("error: ")
    key = names.preview_secrets(name.rpartition("-pr-")[0])
    secrets = (
        f"codeb:projectSecrets.{key}.",
        f"/{names.vault_path(key)}, key ",
        f"/{names.vault_path(key)}: ",
    )
    if (
        said.startswith((f"{name}-", f"{name}:"))
        or f"(preview environment {name})" in said
        or any(place in said for place in secrets)
    ):
        return problem
    return problem.partition("; open are:")[0] if f"previews.open.{name}:" in said else ""


def _gone(
    home: str, pull: int, stack: str, name: str, why: str, world: World, *, only_update: bool = False
) -> list[str]:
    text = f"### Preview environment {code(name)}\n\nIt is gone, with its data. {why}"
    return _comment(home, pull, stack, name, text, world, only_update=only_update)


def _comment(
    home: str, pull: int, stack: str, name: str, text: str, world: World, *, only_update: bool = False
) -> list[str]:
    """Tell the pull request; a warning when it can't be told."""
    if not home:
        return [f"warning: no comment: the manifest of {name} has no project.repository at GitHub"]
    github = world.apps(home)
    if github is None:
        return [f"warning: no comment on {home}#{pull}: {APPS_TOKEN} is not set"]
    try:
        mark = notices.marker("preview", f"{stack}.{name}")
        if not only_update or notices.has_comment(github, pull, mark):
            notices.comment(github, pull, mark, text)
    except CiError as error:
        return [f"warning: no comment on {home}#{pull}: {error}"]
    return []
