"""Secrets of every known form, made anew each time: none is in a file, none was ever one."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LETTERS: Final = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Planted:
    """A text as it stands in a log, and the part of it that nobody may see."""

    text: str
    secret: str


Make = Callable[[random.Random], Planted]


def _drawn(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda lot: "".join(lot.choice(alphabet) for _ in range(length))


def _token(prefix: str, length: int, alphabet: str = _LETTERS) -> Make:
    def make(lot: random.Random) -> Planted:
        drawn = _drawn(alphabet, length)(lot)
        return Planted(prefix + drawn, drawn)

    return make


def _in(form: str, length: int = 20, alphabet: str = _LETTERS) -> Make:
    def make(lot: random.Random) -> Planted:
        drawn = _drawn(alphabet, length - 2)(lot) + "q7"  # a letter and a digit, as passwords have
        return Planted(form.replace("@", drawn), drawn)

    return make


def _jwt(lot: random.Random) -> Planted:
    parts = [
        base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "n": lot.random()}).encode())
        .decode()
        .rstrip("="),
        base64.urlsafe_b64encode(json.dumps({"sub": lot.random()}).encode()).decode().rstrip("="),
        _drawn(_LETTERS + "-_", 43)(lot),
    ]
    return Planted(".".join(parts), parts[2])


def _pem(kind: str, between: str) -> Make:
    def make(lot: random.Random) -> Planted:
        body = [_drawn(_LETTERS + "+/", 64)(lot) for _ in range(6)]
        text = between.join([f"-----BEGIN {kind}PRIVATE KEY-----", *body, f"-----END {kind}PRIVATE KEY-----"])
        return Planted(text, lot.choice(body))

    return make


def _random(alphabet: str, length: int) -> Make:
    """A long string drawn by lot, as `openssl rand -base64` gives: with all kinds of characters in it."""

    def make(lot: random.Random) -> Planted:
        while True:
            drawn = _drawn(alphabet, length)(lot)
            if sum(c.isdigit() for c in drawn) >= 4 and any(c.islower() for c in drawn):
                return Planted(drawn, drawn)

    return make


FORMS: Final[dict[str, Make]] = {
    "GitHub personal": _token("ghp_", 36),
    "GitHub of a job": _token("ghs_", 36),
    "GitHub fine-grained": _token("github_pat_", 82, _LETTERS + "_"),
    "GitLab": _token("glpat-", 20),
    "AWS id": _token("AKIA", 16, string.ascii_uppercase + string.digits),
    "AWS key": _in("AWS_SECRET_ACCESS_KEY=@", 40, _LETTERS + "+/"),
    "Slack": _in("xoxb-1234567890-@"),
    "Slack webhook": _in("https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/@", 24),
    "Anthropic": _token("sk-ant-api03-", 93, _LETTERS + "-_"),
    "npm": _token("npm_", 36),
    "PyPI": _token("pypi-", 60, _LETTERS + "-_"),
    "Pulumi": _token("pul-", 40, "0123456789abcdef"),
    "Stripe": _token("sk_live_", 24),
    "JSON web token": _jwt,
    "PEM": _pem("RSA ", "\n"),
    "PEM in a container's log": _pem("", "\n  app-1  | "),
    "PEM in JSON": _pem("OPENSSH ", "\\n"),
    "URL": _in("postgres://shop:@@db.internal:5432/shop".replace("@@", "@\0"), 12),
    "URL with a slash": _in("postgres://shop:q/9+@@db.internal:5432/shop".replace("@@", "@\0"), 12),
    "SQL": _in("ALTER ROLE shop PASSWORD '@';", 12),
    "SQL of MySQL": _in("CREATE USER shop IDENTIFIED BY '@'", 12),
    "XML": _in("<server><password>@</password></server>", 12),
    "curl": _in("+ curl -u shop:@ https://api.example", 12),
    "sshpass": _in("+ sshpass -p @ ssh root@\0db".replace("root@", "root"), 12),
    "short name": _in("DB_PASS=@", 12),
    "login of Redis": _in("REDIS_AUTH=@", 12),
    "login of npm": _in("//registry.example/:_auth=@", 12),
    "Sentry": _in(
        "SENTRY_DSN=https://@@o1.ingest.sentry.example/2".replace("@@", "@\0"), 32, "0123456789abcdef"
    ),
    "Vultr": _token("key ", 36, string.ascii_uppercase + string.digits),
    "Mattermost webhook": _in("https://chat.example/hooks/@", 26, string.ascii_lowercase),
    "assigned": _in("DB_PASSWORD=@", 10),
    "assigned, a word": _in("export PGPASSWORD=@", 10, string.ascii_lowercase),
    "assigned and quoted": _in("clientSecret = '@'", 12),
    "YAML": _in("    api_key: @", 14),
    "JSON": _in('{"password": "@", "user": "shop"}', 8),
    "JSON in JSON": _in('{"body": "{\\"access_token\\":\\"@\\"}"}', 16),
    "query": _in("GET /callback?state=1&token=@&x=2", 12),
    "option": _in("mysql --password=@ shop", 10),
    "option apart": _in("deploy --token @ --yes", 12),
    "bearer": _in("curl -H 'Authorization: Bearer @' https://api.example", 24),
    "basic": _in("> Authorization: Basic @", 24),
    "header": _in("x-api-key: @", 24),
    "cookie": _in("Set-Cookie: session=@; Path=/", 24),
    "random": _random(_LETTERS, 44),
    "random base64": _random(_LETTERS + "+/", 44),
    "random for URLs": _random(_LETTERS + "-_", 43),
}


def planted(form: str, seed: int) -> Planted:
    """A secret of a form."""
    found = FORMS[form](random.Random(seed))  # noqa: S311 - to be made again
    return Planted(found.text.replace("\0", "@"), found.secret)
