"""What a run is asked for beyond manifests: images, preview environments of pull requests, numbers of servers.

The text is JSON of the environment variable `CODEB_REQUEST` (docs/previews.md). It comes from a pipeline, and with it from
whoever may push: each value passes the types here before anything else sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from codeb import names
from codeb.model import types as t
from codeb.model.findings import findings
from codeb.model.problems import DocumentErrors, Problem, path_text, refusal, shown
from codeb.model.section import Section
from codeb.model.settings.autoscale import LEAST_SERVERS, MOST_SERVERS
from codeb.model.shapes import Shape

LARGEST_BYTES: Final = 64 << 10
_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
_EXAMPLE: Final = 'Write for example {"version": 1, "images": {"shop": "ghcr.io/leo/shop@sha256:…"}}.'


class RequestErrors(DocumentErrors):
    """Problems of a request."""


def _digest(image: str) -> str:
    if "@sha256:" in image and ":" not in image.partition("@")[0].rpartition("/")[2]:
        return image
    raise refusal(
        f"{shown(image)} is not an image by digest alone",
        "Write repository and digest, for example ghcr.io/leocompany/blog@sha256:…: a tag may move.",
    )


def _moment(text: str) -> str:
    try:
        datetime.strptime(text, _FORM)
    except ValueError:
        raise refusal(f"{shown(text)} is no date", "Write for example 2026-11-30T12:00:00Z.") from None
    return text


PinnedImage = Annotated[t.ImageReference, AfterValidator(_digest)]
"""An image by its digest: what was looked at is what runs."""
Moment = Annotated[
    str,
    Shape(
        "a time in UTC",
        "Write for example 2026-11-30T12:00:00Z.",
        r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
        longest=20,
        shortest=20,
    ),
    AfterValidator(_moment),
]
PreviewId = Annotated[
    str,
    Shape(
        "the name of a preview environment",
        "Write project, -pr- and number, for example shop-pr-12.",
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*-pr-[1-9][0-9]{0,8}",
        longest=60,
    ),
]


class Opening(Section):
    """A preview environment that is to be there."""

    project: t.ProjectId
    """The project whose manifest it is made from."""
    pull: Annotated[int, Field(ge=1, le=999_999_999)]
    """Number of the pull request."""
    image: PinnedImage
    """What runs in it."""
    until: Moment
    """When it may be closed: whoever sweeps reads this, nothing ends by itself."""


class AskedPreviews(Section):
    """Preview environments that are to be there, and those that are to end. Others stay as they are."""

    open: Mapping[PreviewId, Opening] = Field(default_factory=dict, max_length=50)
    """By name: opened, or given another image and another time."""
    close: t.Items[PreviewId] = ()
    """Names; one that isn't open is closed already."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, opening in self.open.items():
            wanted = names.preview(opening.project, opening.pull)
            if name != wanted:
                cause = f"is pull request {opening.pull} of {opening.project}, whose name is {shown(wanted)}"
                raise refusal(cause, "Write that name.", at=("open", name))
            if name in self.close:
                raise refusal("is to open and to close", "Write one of the two.", at=("open", name))
        return self


class AskedCount(Section):
    """How many servers a pool with `autoscale` is to have."""

    count: Annotated[int, Field(ge=LEAST_SERVERS, le=MOST_SERVERS)]
    """Servers; the settings' `min` and `max` have the last word."""
    at: Moment
    """When it was decided; the program has no clock."""
    reason: t.Description
    """Why, in one line for people."""


class Asked(Section):
    """A request; the empty one asks for nothing."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    """Of this form."""
    images: Mapping[t.ProjectId, PinnedImage] = Field(default_factory=dict, max_length=1000)
    """By project: what runs in place of the manifest's image, until the manifest names another."""
    unpin: t.Items[t.ProjectId] = ()
    """Projects that run their manifest's image again; one without a deployed image does so already."""
    previews: AskedPreviews = AskedPreviews()
    """Preview environments."""
    pools: Mapping[t.PoolName, AskedCount] = Field(default_factory=dict, max_length=20)
    """By pool with `autoscale`: how many servers it has until another number is decided, or its settings say otherwise."""

    @model_validator(mode="after")
    def _one_image(self) -> Self:
        for project in self.unpin:
            if project in self.images:
                cause = "is to run a deployed image and its manifest's"
                raise refusal(cause, "Write one of the two.", at=("images", project))
        return self


def parse_request(text: str | None) -> Asked:
    """The request in the variable's text; without text nothing is asked.

    Raises:
        RequestErrors: every problem, named like `images.shop`.
    """
    if not text:
        return Asked()
    value = _json(text)
    if not isinstance(value, dict):
        raise RequestErrors([problem("", "is not a mapping", _EXAMPLE)])
    if "version" not in value:
        raise RequestErrors([problem("version", "is missing", "Write 1.")])
    try:
        return Asked.model_validate(value)
    except ValidationError as error:
        found = findings(error, Asked)
        raise RequestErrors(
            problem(path_text(each.path), each.cause, each.remedy) for each in found
        ) from None


def is_request(entries: Mapping[str, Any]) -> bool:
    """Whether a request could ask for this."""
    try:
        Asked.model_validate({"version": 1, **entries})
    except ValidationError:
        return False
    return True


def problem(path: str, cause: str, remedy: str) -> Problem:
    """A problem of the request, as errors name it."""
    return Problem(names.REQUEST_VARIABLE, 0, 0, path, cause, remedy)


def _json(text: str) -> Any:
    if len(text.encode(errors="surrogatepass")) > LARGEST_BYTES:
        cause = f"is larger than {LARGEST_BYTES >> 10} KiB"
        raise RequestErrors([problem("", cause, "Ask for less at once.")])
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _Repeated) else "is not JSON"
        raise RequestErrors([problem("", why, _EXAMPLE)]) from None


class _Repeated(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated("has a key twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def repository(image: str) -> str:
    """An image reference without tag and digest."""
    name = image.partition("@")[0]
    return re.sub(r":[^/:]*$", "", name)
