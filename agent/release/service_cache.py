"""A project's cache at Vultr's Valkey, where users and their rules are Vultr's to make: looked at, and emptied once.

Whether those rules hold is seen here alone: what a user may do who was made a moment ago is whatever the service gives him
until then. A release that could read others' indexes doesn't begin.
"""

from __future__ import annotations

from typing import Final

from agent.documents.errors import Failed
from agent.documents.reader import HOST, PROJECT, USER, Reader
from agent.host.ports import Ports, RedisRefused, RedisUntrusted
from agent.project.spec import CacheIndex

_FOREIGN: Final = "1"
"""An index that is nobody's: who may select it may select all."""
_DENIED: Final = "NOPERM"
_PATIENCE_S: Final = 60
"""What a user that was made or changed is given until it is so."""
_PAUSE_S: Final = 2
_REMEDY: Final = (
    "see in Vultr's console that the service runs; `codeb fleet refresh`, then `pulumi up`, gives its users their rules "
    "anew"
)
_TRUST: Final = (
    "write the certificate of this service, which Vultr's console has (Databases, Download Signed Certificate), into "
    "codeb:managed.valkey.ca, then `pulumi up`. A certificate that is there already is another's, or has ended. Where the "
    "service's is for another name, it can't be used: take the project out of codeb:managed.valkey.projects"
)


def check(ports: Ports, index: CacheIndex, password: str) -> None:
    """That the project's user reaches its index there, and no other. Raises Failed."""
    until = ports.clock.monotonic() + _PATIENCE_S
    while True:
        wrong = _wrong(ports, index, password)
        if not wrong:
            return
        if ports.clock.monotonic() >= until:
            raise Failed("cache", wrong, _REMEDY)
        ports.clock.sleep(_PAUSE_S)


def empty_cache(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Empty an index that is new to a project: it may have been another's. Raises BadDocument, Failed."""
    document.version()
    index = CacheIndex(
        host=document.text("host", HOST),
        port=document.whole("port", 1, 65535),
        index=document.whole("index", 2, 15),
        user=document.text("user", USER),
        tls=True,
    )
    password = document.secret("password")
    project = document.text("project", PROJECT)
    document.end()
    check(ports, index, password)
    try:
        ports.redis.call_as(
            index.host, index.port, index.user, password, [["SELECT", str(index.index)], ["FLUSHDB"]]
        )
    except RedisRefused as error:
        raise Failed("cache", str(error), _REMEDY) from error
    ports.journal.log(f"{project}: index {index.index} at {index.host} is new to it and was emptied by {by}")
    return {"ok": True, "index": index.index}


def _wrong(ports: Ports, index: CacheIndex, password: str) -> str:
    """What is not as it is to be; "" for nothing. Raises Failed for what waiting does not mend."""
    own = [["SELECT", str(index.index)], ["EXISTS", "codeb"]]
    try:
        ports.redis.call_as(index.host, index.port, index.user, password, own)
    except RedisUntrusted as error:
        raise Failed("cache", str(error), _TRUST) from error
    except RedisRefused as error:
        return str(error)
    try:
        ports.redis.call_as(index.host, index.port, index.user, password, [["SELECT", _FOREIGN]])
    except RedisRefused as error:
        return "" if _DENIED in str(error) else str(error)
    return f"{index.user} may select other indexes than {index.index} at {index.host}: its rules are not in force"
