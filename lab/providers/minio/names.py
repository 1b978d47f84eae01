"""Names: generated ones, and what is allowed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_COUNTER: Final = itertools.count(1)
_USER: Final = re.compile(r"[0-9A-Za-z=,.@\-_+]+")
_DISTINGUISHED: Final = re.compile(r"(?i)((CN|OU)=[^,]*,)+(DC=[^,]+,?)+")
_POLICY: Final = re.compile(r"[\w+=,.@:-]*")
_LONGEST_POLICY: Final = 96


def unique_id(prefix: str) -> str:
    """The prefix, the time in 100 µs, and a counter: as Terraform's `PrefixedUniqueId`."""
    now = datetime.now(UTC)
    return f"{prefix}{now:%Y%m%d%H%M%S}{now.microsecond // 100:04d}{next(_COUNTER):08x}"


def longest(name: str, limit: int) -> Callable[[str], str]:
    """A check of a value's length, for `Attribute.valid`."""
    return lambda value: (
        ""
        if len(value) <= limit
        else f"expected length of {name} to be in the range (0 - {limit}), got {value}"
    )


def invalid_user(value: str) -> str:
    """What is wrong with a user name."""
    if _USER.fullmatch(value) or _DISTINGUISHED.fullmatch(value):
        return ""
    return (
        "only alphanumeric characters, hyphens, underscores, commas, periods, @ symbols, plus and equals "
        f'signs allowed or a valid LDAP Distinguished Name (DN) in "name": "{value}"'
    )


def invalid_policy_name(value: str) -> str:
    """What is wrong with a policy's name."""
    if len(value) > _LONGEST_POLICY:
        return f'"name" cannot be longer than {_LONGEST_POLICY} characters, name is limited to 128'
    return "" if _POLICY.fullmatch(value) else '"name" must match [\\w+=,.@:-]'
