"""What leaves a host for the outside: webhooks, Sentry, private registries. All of it is secret configuration.

No error and no `repr` shows a value, and no key that could be one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from codeb.model.problems import Location, Problem, SettingsErrors, path_text, refusal

_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REGISTRY: Final = re.compile(rf"{_HOST.pattern}(?::[1-9][0-9]{{0,4}})?")
_URL_REMEDY: Final = "Write it as the service shows it, for example https://hooks.example.com/services/…."
_MOST_WEBHOOKS: Final = 20


def _url(text: str) -> str:
    """An http or https URL that is one word, names a host, and carries no user, password or fragment."""
    if not re.fullmatch(r"[!-~]{1,2000}", text) or re.search(r"[\"'\\<>`{}|^]", text):
        raise refusal(
            "is not a URL: it has a space, a line break or another forbidden character", _URL_REMEDY
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refusal("is not a URL", _URL_REMEDY) from None
    if parts.scheme not in ("https", "http"):
        raise refusal("is neither an https nor an http URL", _URL_REMEDY)
    if parts.username is not None or parts.password is not None:
        remedy = "Leave user and password out: the path of a webhook is its secret."
        raise refusal("has a user or a password in it", remedy)
    if not (_HOST.fullmatch(host) and len(host) <= 253) or port == 0 or parts.fragment:
        raise refusal("does not name a host, or has a part behind #", _URL_REMEDY)
    return text


def _service(text: str) -> str:
    if urlsplit(_url(text)).query:
        raise refusal("has a query", "Write the address of the server, for example https://sentry.io.")
    return text.rstrip("/")


def _word(text: str) -> str:
    if not re.fullmatch(r"[!-~]{8,1000}", text):
        raise refusal(
            "is not one word of 8 or more visible ASCII characters", "Copy it again from the service."
        )
    return text


def _slug(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", text):
        remedy = "Write the organization's slug as Sentry's addresses show it, for example leo-company."
        raise refusal("is not the slug of an organization", remedy)
    return text


def _username(text: str) -> str:
    if not re.fullmatch(r"[!-9;-~]{1,200}", text):
        raise refusal(
            "is not a user name: one word of visible ASCII characters without a colon", "Correct it."
        )
    return text


def _password(text: str) -> str:
    if not text or len(text) > 16_384 or text != text.strip() or "\0" in text:
        raise refusal("is empty, too long, or starts or ends with a space or a line break", "Set it again.")
    return text


def _registry(text: str) -> str:
    if not _REGISTRY.fullmatch(text):
        raise refusal(
            "a key is not a registry", "Write host or host:port as image names start, like ghcr.io."
        )
    return text


def _listed(value: Any) -> Any:
    """One URL may stand for a list of one."""
    return [value] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_url)]
Urls = Annotated[tuple[Url, ...], BeforeValidator(_listed), Field(strict=False, max_length=_MOST_WEBHOOKS)]


class _Secret(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}([redacted])"

    __str__ = __repr__


class Notifications(_Secret):
    """Who is told what happens: Slack-compatible webhooks, and webhooks that take our own JSON."""

    slack: Urls = ()
    webhook: Urls = ()


class Sentry(_Secret):
    """Sentry, or a server that speaks its API. The token needs the scope `project:releases`."""

    url: Annotated[str, AfterValidator(_service)] = "https://sentry.io"
    organization: Annotated[str, AfterValidator(_slug)]
    token: Annotated[str, AfterValidator(_word)]


class Credentials(_Secret):
    """What a registry lets us in with."""

    username: Annotated[str, AfterValidator(_username)]
    password: Annotated[str, AfterValidator(_password)]


class Outside(_Secret):
    """The three secrets together; the aliases are the keys of the stack's configuration."""

    notifications: Notifications = Notifications()
    sentry: Sentry | None = None
    registry_credentials: dict[Annotated[str, AfterValidator(_registry)], Credentials] = Field(
        default_factory=dict, alias="registryCredentials"
    )


KEYS: Final = ("notifications", "sentry", "registryCredentials")
"""Keys of the stack's secret configuration that `parse_outside` reads."""


def parse_outside(values: Mapping[str, Any], stack: str = "<stack>") -> Outside:
    """The secret configuration of what leaves a host; absent keys mean that nothing does.

    Raises:
        SettingsErrors: every key that is missing, unknown or wrong, without its value.
    """
    try:
        return Outside.model_validate(dict(values))
    except ValidationError as error:
        raise SettingsErrors(_problems(error, f"Pulumi.{stack}.yaml")) from None


def visible_problems(
    values: Mapping[str, Any], hidden: Collection[Location], stack: str = "<stack>"
) -> Iterator[Problem]:
    """The same problems of values of which some, at the locations `hidden`, can't be read: nothing is said of those."""
    try:
        Outside.model_validate(dict(values))
    except ValidationError as error:
        yield from _problems(error, f"Pulumi.{stack}.yaml", hidden)


def _problems(error: ValidationError, file: str, hidden: Collection[Location] = ()) -> Iterator[Problem]:
    for details in error.errors(include_url=False, include_input=False):
        if any(details["loc"][: len(place)] == place for place in hidden):
            continue
        cause, remedy = _words(details)
        yield Problem(file, 0, 0, f"codeb:{_place(details)}", cause, remedy)


def _place(details: ErrorDetails) -> str:
    """Where it is; a key that somebody may have put a secret into is left out."""
    shown = []
    for part in details["loc"]:
        if part == "[key]":
            continue
        known = isinstance(part, int) or part in _FIELDS or (_REGISTRY.fullmatch(part) and "." in part)
        shown.append(part if known else "?")
    return path_text(tuple(shown))


_FIELDS: Final = frozenset(
    {*KEYS, *Notifications.model_fields, *Sentry.model_fields, *Credentials.model_fields}
)
_MAPPING: Final = ("is not a mapping", "Set its keys one by one with `pulumi config set --secret --path`.")
_WORDS: Final = {
    "missing": ("is missing", "Set it with `pulumi config set --secret --path`."),
    "string_type": ("is not text", "Write text."),
    "tuple_type": ("is neither a URL nor a list of URLs", "Write one URL or a list of them."),
    "too_long": ("has too many entries", f"Write at most {_MOST_WEBHOOKS}."),
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
}


def _words(details: ErrorDetails) -> tuple[str, str]:
    if details["type"] == "refused":
        context = details["ctx"]
        return str(context["cause"]), str(context["remedy"])
    if details["type"] == "extra_forbidden":
        sections: dict[str, type[BaseModel]] = {"notifications": Notifications, "sentry": Sentry}
        model = sections.get(str(details["loc"][0]), Credentials)
        return "unknown key", f"Known keys here: {', '.join(model.model_fields)}."
    return _WORDS.get(details["type"], ("is wrong", "See docs/notifications.md."))
