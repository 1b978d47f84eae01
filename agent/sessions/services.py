"""The data services: how a project logs in, and which container here is the one that it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.sessions.wish import Login, read_login

_PUBLISHED: Final = re.compile(r"^PublishPort=\[?([0-9A-Fa-f.:]+?)\]?:(\d+):(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Client:
    """The program of a console: which units are its service's, the port within, its words, and its environment."""

    unit: re.Pattern[str]
    port: int
    words: Callable[[Login, bool], list[str]]
    environment: Callable[[Login], dict[str, str]]


def login_of(kind: str, project: str, environment: Mapping[str, str]) -> Login:
    """How the app logs in, by its own environment. Raises Failed when it doesn't say, or no console gets there."""
    if kind == "cache" and environment.get("REDIS_TLS"):
        raise Failed(
            "session",
            f"{project}'s cache is at Vultr's managed Valkey, and consoles are of the data server's services",
            "Vultr's console has its figures; the stack's output `connections` (pulumi stack output connections "
            "--show-secrets) has its login, for `valkey-cli --tls` on a server of the stack",
        )
    try:
        return read_login(Reader(_FOUND[kind](environment), ""))
    except (KeyError, ValueError, BadDocument):
        raise Failed(
            "session",
            f"{project} has no {_NAMES[kind]} of the platform: its variables name none",
            f"the manifest says what it has (resources); `codeb env {project}` shows the variables",
        ) from None


def here(ports: Ports, kind: str, login: Login) -> str | None:
    """The container on this host that listens where the app connects to; None when the service is on another."""
    client = CLIENTS[kind]
    for name in ports.files.listing(paths.QUADLET):
        if not client.unit.fullmatch(name):
            continue
        text = (ports.files.read(paths.quadlet(name)) or b"").decode("utf-8", "replace")
        if (login.host, str(login.port), str(client.port)) in _PUBLISHED.findall(text):
            return name.removesuffix(".container")
    return None


def _database(environment: Mapping[str, str]) -> dict[str, object]:
    url = urlsplit(environment["DATABASE_URL"])
    return {
        "host": url.hostname or "",
        "port": url.port or 5432,
        "user": unquote(url.username or ""),
        "place": unquote(url.path.removeprefix("/")),
        "password": unquote(url.password or ""),
    }


def _cache(environment: Mapping[str, str]) -> dict[str, object]:
    return {
        "host": environment["REDIS_HOST"],
        "port": int(environment["REDIS_PORT"]),
        "user": environment["REDIS_USERNAME"],
        "place": str(int(environment["REDIS_DB"])),
        "password": environment["REDIS_PASSWORD"],
    }


def _storage(environment: Mapping[str, str]) -> dict[str, object]:
    """Within the stack it is plain HTTP; what has TLS is Vultr's. Raises Failed for that."""
    url = urlsplit(environment["MINIO_ENDPOINT"])
    if url.scheme == "https":
        raise Failed(
            "session",
            "its buckets are at Vultr's Object Storage, which no server of the stack has a console for",
            "any client of S3 reaches them by the app's MINIO_* variables (docs/managed-objects.md)",
        )
    return {
        "host": url.hostname or "",
        "port": url.port or 80,
        "user": environment["MINIO_ACCESS_KEY"],
        "place": environment["MINIO_BUCKET"],
        "password": environment["MINIO_SECRET_KEY"],
    }


def _psql(login: Login, terminal: bool) -> list[str]:
    return ["psql", *([] if terminal else ["--set=ON_ERROR_STOP=1"])]


def _psql_environment(login: Login) -> dict[str, str]:
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGSSLMODE": "require",
        "PGUSER": login.user,
        "PGDATABASE": login.place,
        "PGPASSWORD": login.password,
        "PGAPPNAME": "codeb console",
        "PSQL_HISTORY": "/dev/null",
    }


def _redis_cli(login: Login, terminal: bool) -> list[str]:
    return ["redis-cli", "-h", "127.0.0.1", "--user", login.user, "--no-auth-warning", "-n", login.place]


def _redis_environment(login: Login) -> dict[str, str]:
    return {"REDISCLI_AUTH": login.password, "REDISCLI_HISTFILE": "/dev/null"}


def _shell(login: Login, terminal: bool) -> list[str]:
    return ["sh"]


def _mc_environment(login: Login) -> dict[str, str]:
    """Not as `s3`: that is one of mc's own, which would win."""
    host = f"http://{quote(login.user, safe='')}:{quote(login.password, safe='')}@127.0.0.1:9000"
    return {"MC_HOST_store": host, "BUCKET": login.place, "MC_CONFIG_DIR": "/tmp/.mc", "PS1": "store> "}  # noqa: S108


_NAMES: Final = {"db": "database", "cache": "cache", "storage": "storage"}
_FOUND: Final[Mapping[str, Callable[[Mapping[str, str]], dict[str, object]]]] = {
    "db": _database,
    "cache": _cache,
    "storage": _storage,
}
CLIENTS: Final[Mapping[str, Client]] = {
    "db": Client(re.compile(r"postgres\.container"), 5432, _psql, _psql_environment),
    "cache": Client(re.compile(r"redis-[a-z0-9-]+\.container"), 6379, _redis_cli, _redis_environment),
    "storage": Client(re.compile(r"minio\.container"), 9000, _shell, _mc_environment),
}
