"""What an app's repository says in an event, checked before anything is done with it. Whoever may dispatch may write
anything: every value has a form, and image and repository have to be those of the project's manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from codeb.model import Manifest, Manifests
from codeb.model.asked import repository as repository_of
from codeb.model.problems import shown
from ops.ci.context import CiError, Workflow

RELEASE: Final = "codeb-release"
PREVIEW: Final = "codeb-preview"
MOST_PULL: Final = 9_999_999
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "project": (
        re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"),
        "a project's id, for example food-delivery-app",
    ),
    "image": (
        re.compile(
            r"[a-z0-9][a-z0-9.-]{0,252}(?::[0-9]{1,5})?(?:/[a-z0-9][a-z0-9._-]{0,127}){1,5}@sha256:[0-9a-f]{64}"
        ),
        "an image by its digest alone: <repository>@sha256:<64 hexadecimal digits>",
    ),
    "repository": (
        re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}"),
        "a repository, OWNER/NAME",
    ),
    "commit": (re.compile(r"[0-9a-f]{40}"), "a commit: 40 hexadecimal digits"),
    "run_url": (
        re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?/[A-Za-z0-9._~/?=&%-]{0,500}"),
        "the https address of a workflow run",
    ),
}
_LONGEST_PROJECT: Final = 40
_GITHUB: Final = re.compile(r"https?://[^/]+/([^/]+/[^/]+?)(?:\.git)?/?")


@dataclass(frozen=True)
class Source:
    """Where an image comes from: the app's repository, the commit and the run that built it; "" where nobody said."""

    repository: str = ""
    commit: str = ""
    run_url: str = ""


@dataclass(frozen=True)
class Release:
    """An image that a project is to run."""

    project: str
    image: str
    source: Source = Source()


@dataclass(frozen=True)
class Preview:
    """A pull request of an app whose preview environment is to be there (`open`, with an image) or gone (`close`)."""

    action: Literal["open", "close"]
    project: str
    pull: int
    image: str = ""
    source: Source = Source()


def read_release(workflow: Workflow) -> Release | None:
    """The release that the run's event asks for; None when the event is another one. Raises CiError."""
    found = _payload(workflow, RELEASE)
    if found is None:
        return None
    _only(found, {"project", "image", *_SOURCE})
    return Release(text("project", found.get("project")), text("image", found.get("image")), _source(found))


def read_preview(workflow: Workflow) -> Preview | None:
    """The preview environment that the run's event is about; None when the event is another one. Raises CiError."""
    found = _payload(workflow, PREVIEW)
    if found is None:
        return None
    opening = found.get("action") == "open"
    if not opening and found.get("action") != "close":
        raise _wrong("action", found.get("action"), "open or close")
    _only(found, {"action", "project", "pull", *(("image",) if opening else ()), *_SOURCE})
    return Preview(
        "open" if opening else "close",
        text("project", found.get("project")),
        pull_number(found.get("pull")),
        text("image", found.get("image")) if opening else "",
        _source(found),
    )


def text(name: str, value: object) -> str:
    """A value of an event that has its form. Raises CiError."""
    form, what = _FORMS[name]
    too_long = name == "project" and isinstance(value, str) and len(value) > _LONGEST_PROJECT
    if not isinstance(value, str) or too_long or not form.fullmatch(value):
        raise _wrong(name, value, what)
    return value


def pull_number(value: object) -> int:
    """The number of a pull request. Raises CiError."""
    if type(value) is not int or not 1 <= value <= MOST_PULL:
        raise _wrong("pull", value, f"the number of a pull request, 1 to {MOST_PULL}")
    return value


def checked(manifests: Manifests, project: str, image: str, repository: str) -> Manifest:
    """The project's manifest, after all that it says on image and repository; "" is not checked. Raises CiError."""
    try:
        manifest = manifests[project]
    except KeyError:
        raise CiError(f"no manifest has the id {project}: add one to the stack's manifests first") from None
    wanted = repository_of(manifest.environment.image)
    if image and repository_of(image) != wanted:
        raise CiError(
            f"image: {shown(image)} is not of {wanted}, which is the repository of environment.image in "
            f"{manifests.files[project]}: push it there, or change the manifest"
        )
    home = home_of(manifest)
    if repository and home and home.lower() != repository.lower():
        raise CiError(
            f"repository: {repository} is not {home}, which is project.repository in {manifests.files[project]}: only that "
            "one may ask for this project, or change the manifest"
        )
    return manifest


def is_pinned(image: str) -> bool:
    """Whether it is an image by its digest alone."""
    return _FORMS["image"][0].fullmatch(image) is not None


def home_of(manifest: Manifest, server: str = "") -> str:
    """OWNER/NAME of the project's repository, "" where the manifest has none that looks like it, or none on this `server`: a
    repository elsewhere may have a namesake there."""
    address = manifest.project.repository or ""
    if server and urlsplit(address).hostname != urlsplit(server).hostname:
        return ""
    found = _GITHUB.fullmatch(address)
    return found[1] if found and _FORMS["repository"][0].fullmatch(found[1]) else ""


def commit_of(workflow: Workflow) -> str:
    """The commit that a run is about, in short. GITHUB_SHA is another one in two cases: after another workflow's run it is
    the newest of the branch, in a pull request's a merge that nobody made."""
    event = workflow.event
    about = {"workflow_run": ("workflow_run", "head_sha"), "pull_request": ("pull_request", "head", "sha")}
    found: object = event if workflow.event_name in about else workflow.sha
    for key in about.get(workflow.event_name, ()):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found[:_SHORT] if isinstance(found, str) and _FORMS["commit"][0].fullmatch(found) else "unknown"


_SHORT: Final = 12
_SOURCE: Final = ("repository", "commit", "run_url")


def _payload(workflow: Workflow, action: str) -> Mapping[str, Any] | None:
    if workflow.event_name != "repository_dispatch" or workflow.event.get("action") != action:
        return None
    found = workflow.event.get("client_payload")
    if not isinstance(found, Mapping):
        raise CiError(f"the event {action} has no client_payload: send it with `codeb ci dispatch`")
    return found


def _source(found: Mapping[str, Any]) -> Source:
    return Source(*(text(name, found.get(name)) for name in _SOURCE))


def _only(found: Mapping[str, Any], known: set[str]) -> None:
    for key in found:
        if key not in known:
            raise CiError(
                f"client_payload has the unknown key {shown(key)}: known are {', '.join(sorted(known))}"
            )


def _wrong(name: str, value: object, what: str) -> CiError:
    return CiError(f"{name}: {shown(value)} is not {what}")
