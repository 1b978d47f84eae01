"""What a bucket has, asked by requests that change nothing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final

from agent.host.s3 import Features, StoreError
from agent.real.s3_link import Answer, Link

_STATUS: Final = re.compile(rb"<Status>\s*Enabled\s*</Status>")
_LOCKS: Final = re.compile(rb"<ObjectLockEnabled>\s*Enabled\s*</ObjectLockEnabled>")
_NONE: Final = ("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")


def features(link: Link) -> Features:
    """Raises StoreError when the store can't be reached, or has no such bucket."""
    return Features(_versions(link), _locks(link), _deletes(link))


def _versions(link: Link) -> bool | None:
    answer, _ = _asked(link, "GET", query={"versioning": ""})
    return None if answer is None else bool(_STATUS.search(answer.body))


def _locks(link: Link) -> bool | None:
    answer, code = _asked(link, "GET", query={"object-lock": ""})
    if answer is not None:
        return bool(_LOCKS.search(answer.body))
    return False if code in _NONE else None


def _deletes(link: Link) -> bool | None:
    """Whether a version may be deleted. One that isn't there: it is called `null`, as all are that came before versions did,
    and has a name that nobody else has."""
    answer, code = _asked(link, "DELETE", f"probe-{secrets.token_hex(16)}", {"versionId": "null"})
    if answer is not None or code in ("NoSuchKey", "NoSuchVersion"):
        return True
    return False if code in ("AccessDenied", "status 403") else None


def _asked(
    link: Link, method: str, key: str = "", query: Mapping[str, str] | None = None
) -> tuple[Answer | None, str]:
    """The answer, or the store's word for its refusal. Asked once: what it said last will do."""
    try:
        return link.ask(method, key, query or {}, tries=1), ""
    except StoreError as error:
        if error.kind == "unreachable" or error.code == "NoSuchBucket":
            raise
        return None, error.code
