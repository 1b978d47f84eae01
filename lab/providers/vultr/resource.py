"""What Vultr's resources have in common: how they are written, read and worded."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, ClassVar, Final

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import Fields, PanicError, decoded, pulumi_name, unwrapped
from lab.providers.vultr.api import Api, ApiError


class VultrResource(BridgedResource):
    """A subclass says where it is found, under which wrapper, and which words of an error mean that it is gone.

    Nothing is taken over of a run that was killed (`begun`): what it had made is made once more, as the real plugin does.
    """

    keeps_failed_updates = True
    keeps_empty_defaults = True

    path: ClassVar[str]
    wrapper: ClassVar[str]
    id_kind: ClassVar[type] = str
    fields: ClassVar[Fields]
    """What a read takes from the answer; the attributes have the same names, in Pulumi's spelling."""

    gone: ClassVar[str]
    """An error that holds this means that there is no such thing (any more); the empty text stands in every error."""

    unread: ClassVar[str]
    """How a read that failed begins to say so; it may name the id and attributes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            return id_, self.found(self._api.get(self.place(id_, known)))
        except PanicError:
            raise
        except ApiError as error:
            if self.gone in str(error):
                return None
            raise ApiError(f"{self.unread.format_map({**known, 'id': id_})}{error}") from error

    def found(self, answer: Any) -> dict[str, Any]:
        """The attributes that an answer holds."""
        values = decoded(unwrapped(answer, self.wrapper), self.fields, self.wrapper)
        return {pulumi_name(name): value for name, value in values.items()}

    def place(self, id_: str, known: Properties) -> str:
        """The path of one."""
        return f"{self.path}/{id_}"

    def make(self, body: Mapping[str, Any], path: str = "", more: Fields | None = None) -> dict[str, Any]:
        """POST it; what the answer says under its wrapper: the id, `fields`, and what `more` names."""
        answer = unwrapped(self._api.ask("POST", path or self.path, body), self.wrapper)
        return decoded(answer, {"id": self.id_kind, **self.fields, **(more or {})}, self.wrapper)


class Member(VultrResource):
    """Part of something else, in whose path it is found; an import names both: `owner,id`."""

    owner: ClassVar[str]
    """The attribute that says of what."""

    members: ClassVar[str]
    """The last word of the path of all of them."""

    import_form: ClassVar[str]
    not_found: ClassVar[str]

    def all_of(self, known: Properties) -> str:
        """The path below which they are."""
        return f"{self.path}/{known[self.owner]}/{self.members}"

    def place(self, id_: str, known: Properties) -> str:
        return f"{self.all_of(known)}/{id_}"

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        return super().fetch(id_, known) if known else self._imported(id_)

    def _imported(self, id_: str) -> tuple[str, dict[str, Any]] | None:
        """An import asks twice: once to find it, once to read it."""
        owner, comma, member = id_.partition(",")
        if not comma:
            raise ApiError(f'invalid import format, expected "{self.import_form}"')
        known = {self.owner: owner}
        try:
            self._api.get(self.place(member, known))
        except ApiError as error:
            raise ApiError(self.not_found.format(id=member, owner=owner)) from error
        found = super().fetch(member, known)
        return found and (found[0], known | found[1])


def any_case(old: Any, new: Any) -> bool:
    """`ICN` is `icn`."""
    return isinstance(old, str) and isinstance(new, str) and old.casefold() == new.casefold()


REGION: Final = Attribute(required=True, replaces=True, suppress=any_case)


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Errors of the API begin with `what`; who panics says nothing more."""
    try:
        yield
    except PanicError:
        raise
    except ApiError as error:
        raise ApiError(f"{what}{error}") from error


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A body without what Go leaves out as empty: no text, zero, no items; false stays."""
    return {key: value for key, value in fields.items() if value is False or value}


def not_empty(name: str) -> Callable[[Any], str]:
    """Refuses an empty text for an attribute, which has this name in Terraform."""
    return lambda value: "" if value else f"{name} must not be empty, got {value}"


def wrong_address(
    name: str, kind: str = "IP", parse: Callable[[Any], object] = ip_address
) -> Callable[[Any], str]:
    """Refuses what is no address, for an attribute that has this name in Terraform."""

    def reason(value: Any) -> str:
        try:
            parse(value)
        except ValueError:
            return f"expected {name} to contain a valid {kind}, got: {value}"
        return ""

    return reason


def text(value: Any) -> str:
    """An attribute as Terraform hands it over: what is null is empty."""
    return str(value) if value is not None else ""


def set_order(values: Iterable[str]) -> list[str]:
    """A set of texts in the order in which Terraform's SDK lists it: by checksums, written as text."""
    return sorted(values, key=lambda value: checksum(f"{value};"))


def checksum(serialised: str) -> str:
    """The key of a member of a set in Terraform's SDK."""
    return str(zlib.crc32(serialised.encode()))


def missing_from(one: Iterable[str], other: Iterable[str]) -> list[str]:
    """What is in `other` but not in `one`, in the order of `other`."""
    known = set(one)
    return [value for value in other if value not in known]
