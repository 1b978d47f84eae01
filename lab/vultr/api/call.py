"""One call of the API as its handler sees it, and how it answers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.vultr.files import Json
from lab.vultr.settings import Settings

NO_VALUE: Any = object()


class ApiError(Exception):
    """An answer that says no, with Vultr's text where it is known."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Answer:
    """A status and a body; the body is made when the machines are done. Without one the answer is empty."""

    status: int
    body: Callable[[Json], Json] | None = None


@dataclass
class Call:
    """`account` is the caller's, to change at will: nothing is kept when an ApiError comes out."""

    account: Json
    ids: dict[str, str]
    query: dict[str, str]
    body: Json
    settings: Settings
    now: float
    number: Callable[[], int]
    limit: int
    """Instances that the account may have."""
    pending_s: float = 0
    """A fault: what is made stays pending at least so long."""
    todo: list[int] = field(default_factory=list)
    """Calls to the machines that the answer waits for."""

    def item(self, collection: str, missing: str, name: str = "id") -> Json:
        """The object that the path names; a 404 with this text when there is none."""
        found: Json | None = self.account[collection].get(self.ids[name])
        if found is None:
            raise ApiError(404, missing)
        return found

    def add(self, collection: str, item: Json, key: str | None = None) -> Json:
        """Keep a new object under an id of its own (or a key), with its number and date."""
        if key is None:
            item = {"id": str(uuid.uuid4()), **item}
        item["date_created"] = self.date()
        item["_number"] = self.number()
        self.account[collection][key or item["id"]] = item
        return item

    def date(self) -> str:
        """Now, as the API writes it."""
        return datetime.fromtimestamp(self.now, UTC).replace(microsecond=0).isoformat()

    def ready_at(self, seconds: float) -> float:
        """When something that takes so long is done, the fault considered."""
        return self.now + max(seconds, self.pending_s)

    def effect(self, name: str, *arguments: Any, touches: Iterable[str], wait: bool = True) -> None:
        """Note a call to the machines. `touches` are the ids it is about: such calls keep their order."""
        number = self.number()
        self.account["todo"].append(
            {"number": number, "call": name, "arguments": list(arguments), "touches": sorted(set(touches))}
        )
        if wait:
            self.todo.append(number)

    def given(self, name: str, kind: type, default: Any = NO_VALUE) -> Any:
        """A field of the body. null counts as absent; a 400 for another type, or when there is no default."""
        value = self.body.get(name)
        if value is None:
            if default is NO_VALUE:
                raise ApiError(400, f"Missing required field: {name}")
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ApiError(400, f"Invalid {name}")
        return value

    def texts(self, name: str) -> list[str] | None:
        """A list of texts of the body; None when it is absent or null, which is not the same as empty."""
        value: list[str] | None = self.given(name, list, None)
        if value is not None and not all(isinstance(one, str) for one in value):
            raise ApiError(400, f"Invalid {name}")
        return value


def public(item: Json) -> Json:
    """An object without what is the simulator's own."""
    return {key: value for key, value in item.items() if not key.startswith("_")}


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """A method, a path below /v2 with `{name}` for what varies, and who answers."""

    method: str
    path: str
    handler: Handler

    def match(self, path: str) -> dict[str, str] | None:
        """What the path's variable parts are, None for another path."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None
