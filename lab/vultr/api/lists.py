"""Lists: `per_page` (100, at most 500), an opaque `cursor`, `meta.total` and `meta.links`, as documented."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable

from lab.vultr.api.call import Answer, ApiError, Call
from lab.vultr.files import Json

PER_PAGE = 100
MOST = 500


def listing(call: Call, name: str, items: Iterable[Json], view: Callable[[Json], Json]) -> Answer:
    """One page of `items`, oldest first. A cursor names the item it begins with, so a page skips nothing that is
    still there, whatever was deleted meanwhile."""
    ordered = sorted(items, key=lambda item: int(item["_number"]))
    size = _size(call.query.get("per_page", ""))
    first = _start(call.query.get("cursor", ""))
    before = [item for item in ordered if item["_number"] < first]
    rest = ordered[len(before) :]
    page = rest[:size]
    links = {
        "next": _cursor("next", rest[size]) if len(rest) > size else "",
        "prev": _cursor("prev", before[-size:][0]) if before else "",
    }
    body = {name: [view(item) for item in page], "meta": {"total": len(ordered), "links": links}}
    return Answer(200, lambda account: body)


def filtered(call: Call, items: Iterable[Json], **filters: Callable[[Json, str], bool]) -> list[Json]:
    """What passes every filter that the query names."""
    asked = {name: call.query[name] for name in filters if call.query.get(name)}
    return [item for item in items if all(filters[name](item, value) for name, value in asked.items())]


def _size(text: str) -> int:
    if not text:
        return PER_PAGE
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise ApiError(400, "Invalid per_page")
    return int(text)


def _cursor(direction: str, item: Json) -> str:
    return base64.b64encode(f"{direction}__{item['_number']}".encode()).decode()


def _start(text: str) -> int:
    if not text:
        return 0
    try:
        found = re.fullmatch(r"(?:next|prev)__(\d+)", base64.b64decode(text, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        found = None
    if found is None:
        raise ApiError(400, "Invalid cursor")
    return int(found[1])
