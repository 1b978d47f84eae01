"""The part `admins` of a bundle, which is the document of `settle`, too, read into values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import SLUG, Reader

NUMBERS: Final = ("postgres", "redis", "minio", "archive", "backup")
_MOST: Final = 999
_PASSWORD: Final = re.compile(r"[0-9A-Za-z]{20,200}")
_USER: Final = re.compile(r"[a-z0-9_]{1,60}(?:\.[1-9][0-9]{0,2})?")


@dataclass(frozen=True)
class Login:
    """A user and its password; `policy` is what it may do, "" for an administrator's."""

    user: str
    password: str = field(repr=False)
    policy: str = ""


@dataclass(frozen=True)
class Instance:
    """A Redis instance on this host's loopback; of `passwords` the first is to be, the others are those before."""

    name: str
    port: int
    passwords: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Metrics:
    """Passwords of those who ask for figures."""

    postgres: str = field(repr=False)
    redis: str = field(repr=False)


@dataclass(frozen=True)
class Admins:
    """`minio` are MinIO's administrators: the first is to be, the others are those before, its root user last.

    `accounts` are users of MinIO that are there before anything uses them. `numbers` say of each kind which key it is.
    `metrics` are the accounts of monitoring, None where nothing watches.
    """

    numbers: dict[str, int]
    postgres: str = field(repr=False)
    redis: tuple[Instance, ...]
    minio: tuple[Login, ...]
    accounts: tuple[Login, ...]
    metrics: Metrics | None = None


def read_admins(reader: Reader) -> Admins:
    """Raises BadDocument, without a password in it."""
    reader.version()
    numbers = reader.child("numbers")
    minio = reader.child("minio")
    metrics = reader.maybe("metrics")
    found = Admins(
        numbers={kind: numbers.whole(kind, 1, _MOST) for kind in NUMBERS},
        postgres=_password(reader, "postgres"),
        redis=tuple(_instance(each) for each in reader.children("redis")),
        minio=tuple(_login(each) for each in minio.children("logins")),
        accounts=tuple(_account(each) for each in minio.children("accounts")),
        metrics=_metrics(metrics) if metrics else None,
    )
    for each in (numbers, minio, reader):
        each.end()
    if not found.minio:
        raise BadDocument("minio.logins", "is empty")
    return found


def _metrics(reader: Reader) -> Metrics:
    found = Metrics(_password(reader, "postgres"), _password(reader, "redis"))
    reader.end()
    return found


def _instance(reader: Reader) -> Instance:
    found = Instance(
        name=reader.text("name", SLUG),
        port=reader.whole("port", 1, 65535),
        passwords=reader.texts("passwords", _PASSWORD),
    )
    reader.end()
    if not found.passwords:
        raise BadDocument("redis.passwords", "is empty")
    return found


def _login(reader: Reader) -> Login:
    found = Login(reader.text("user", _USER), _password(reader, "password"))
    reader.end()
    return found


def _account(reader: Reader) -> Login:
    found = Login(reader.text("user", _USER), _password(reader, "password"), reader.text("policy", _USER))
    reader.end()
    return found


def _password(reader: Reader, key: str) -> str:
    """Letters and digits alone: it is written into a URL and into commands' input."""
    value = reader.secret(key)
    if not _PASSWORD.fullmatch(value):
        raise BadDocument(key, "must be 20 to 200 letters and digits")
    return value
