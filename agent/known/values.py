"""Which texts are secret on this host: of a project's variables, and of the platform's files."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from agent.documents import redact
from agent.host import paths
from agent.host.ports import Ports
from agent.project.spec import Spec

_SECRETS: Final = f"{paths.CONFIG}/secrets"
_DERIVED: Final = re.compile(r"[0-9A-Za-z]{40}")
_LOGIN: Final = re.compile(r"://[^\s/@]*:[^\s/@]+@")
_WEBHOOK: Final = "webhook"
_KEYS: Final = frozenset({_WEBHOOK, "token", "secret_key", "auth", "password"})
"""Keys whose values are secret, of JSON documents in `/etc/codeb/secrets`: backup, notify, registries."""
_HASHED: Final = ".acl"
_LOGINS: Final = (".pgpass", "postgres-archive")


@dataclass(frozen=True)
class Texts:
    """What is to be masked. `first`: what nothing else masks. `then`: what the collector also masks by its form, and
    other ways in which programs write the first ones."""

    first: frozenset[str] = frozenset()
    then: frozenset[str] = frozenset()


def of(values: Iterable[str], shown: Iterable[str] = ()) -> Texts:
    """Secret values, each line of theirs, and the passwords of URLs in them; nothing that an open value shows, too."""
    openly = [value for value in shown if not redact.passwords(value)]
    first: set[str] = set()
    then: set[str] = set()
    for value in values:
        for text in _parts(value):
            if any(text in each for each in openly):
                continue
            by_form = _DERIVED.fullmatch(text) or _LOGIN.search(text)
            (then if by_form else first).add(text)
            if not by_form:
                then.update(redact.written(text))
    return Texts(frozenset(first), frozenset(then - first))


def together(found: Iterable[Texts]) -> Texts:
    """All of these."""
    every, none = tuple(found), frozenset[str]()
    return Texts(none.union(*(each.first for each in every)), none.union(*(each.then for each in every)))


def of_project(variables: Mapping[str, str], spec: Spec) -> Texts:
    """What is secret of a colour's variables, as its document says. Of open ones the passwords of their URLs are."""
    named = spec.secret or ()
    secret = [variables[name] for name in named if name in variables]
    shown = [value for name, value in variables.items() if name not in named]
    passwords = [password for value in shown for password in redact.passwords(value)]
    return of([*secret, *passwords], [*shown, *spec.public()])


def of_platform(ports: Ports) -> Texts:
    """What is in the files of `/etc/codeb/secrets`."""
    found: list[str] = []
    for name in ports.files.listing(_SECRETS):
        if not name.endswith(_HASHED):
            content = ports.files.read(f"{_SECRETS}/{name}") or b""
            found += _of_file(name, content.decode("utf-8", "replace"))
    return of(found)


def _parts(value: str) -> Iterator[str]:
    for part in (value, *redact.passwords(value)):
        yield from (line for line in redact.lines(part) if len(line) >= redact.SHORTEST)


def _of_file(name: str, text: str) -> Iterable[str]:
    if name.endswith(_LOGINS):
        return [line.rpartition(":")[2] for line in text.splitlines()]
    if not text.lstrip().startswith("{"):
        return [text]
    try:
        return _of_json(json.loads(text))
    except ValueError:
        return [text]


def _of_json(document: object, key: str = "") -> Iterator[str]:
    """Values of telling keys, addresses of webhooks, and passwords by address (`redis-metrics`)."""
    if isinstance(document, dict):
        for name, value in document.items():
            told = _WEBHOOK if name == "url" and "kind" in document else name
            yield from _of_json(value, "password" if "://" in name else told)
    elif isinstance(document, list):
        for value in document:
            yield from _of_json(value, key)
    elif isinstance(document, str) and key in _KEYS:
        yield document
        if key == "auth":
            yield _password(document)


def _password(login: str) -> str:
    """The password of a registry's login, which is `user:password` in base64."""
    try:
        return base64.b64decode(login).decode("utf-8", "replace").partition(":")[2]
    except binascii.Error:
        return ""
