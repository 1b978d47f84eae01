"""Every validated type of manifests and settings, in one place.

Whatever reaches a shell, a unit, SQL or a Caddyfile later passes here first. A type says what it refuses and
what to write instead; its pattern is also what the JSON Schema tells editors, so patterns keep to what Python
and ECMAScript share and always match the whole value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from codeb import names
from codeb.model.addresses import AddressRange as AddressRange
from codeb.model.addresses import PrivateSubnet as PrivateSubnet
from codeb.model.calendar import OnCalendar as OnCalendar
from codeb.model.problems import refusal, shown
from codeb.model.shapes import LINE, Quantity, Shape, refuse_markers
from codeb.model.ssh_keys import DistinctKeys as DistinctKeys
from codeb.model.ssh_keys import PublicKey as PublicKey
from codeb.model.variables import EnvName as EnvName
from codeb.model.variables import EnvValue as EnvValue

T = TypeVar("T", bound=Hashable)

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"({_LABEL}\.)*{_LABEL}"
DOMAIN = rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
_PORT = r":[1-9][0-9]{0,4}"
_SLUG = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


_SIZE_UNITS = (("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40))
_SIZE_REMEDY = "Write for example 512Mi or 1Gi."
_TIME_UNITS = (("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000))

Memory = Annotated[int, Quantity("a size", _SIZE_REMEDY, _SIZE_UNITS, 16 << 20, 1 << 40)]
"""Bytes of memory, 16Mi to 1Ti."""
Size = Annotated[int, Quantity("a size", _SIZE_REMEDY, _SIZE_UNITS, 1 << 10, 1 << 50)]
"""Bytes, 1Ki to 1024Ti."""
DiskSize = Annotated[
    int, Quantity("a disk's size", "Write for example 200Gi.", _SIZE_UNITS[2:], 1 << 30, 64 << 40)
]
"""Bytes of a disk, 1Gi to 64Ti."""
_SMALLEST_CACHE, _LARGEST_CACHE = 32 << 20, 64 << 30
CacheMemory = Annotated[int, Quantity("a size", _SIZE_REMEDY, _SIZE_UNITS, _SMALLEST_CACHE, _LARGEST_CACHE)]
"""Bytes of a Redis instance's data, 32Mi to 64Gi."""
Duration = Annotated[
    int, Quantity("a duration", "Write for example 500ms, 30s or 2m.", _TIME_UNITS, 1, 24 * 3_600_000)
]
"""Milliseconds, up to a day."""


EndTime = Annotated[
    int, Quantity("a duration", "Write for example 30s or 5m.", _TIME_UNITS[1:], 1000, 3_600_000)
]
"""Milliseconds that a process has to end, a second to an hour."""


def size_text(size: int) -> str:
    """A size as a manifest says it: 536870912 as `512Mi`."""
    return Quantity("a size", _SIZE_REMEDY, _SIZE_UNITS, 0, size).text(size)


_REORDERING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_INVISIBLE = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})


def _display(text: str) -> str:
    """Text for people in any language; refuses what could break a line or reorder what is printed."""
    for character in text:
        reorders = unicodedata.bidirectional(character) in _REORDERING
        if reorders or unicodedata.category(character) in _INVISIBLE:
            cause = f"character U+{ord(character):04X} is not allowed"
            raise refusal(cause, "Write one line of visible text.")
    if text != text.strip():
        raise refusal(f"{shown(text)} starts or ends with a space", "Remove the space.")
    return refuse_markers(text)


DisplayText = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_display)]
Description = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_display)]


RESERVED_STEMS = frozenset({
    "agent", "backup", "caddy", "codeb-admin", "codeb-archive", "codeb-backup", "default", "minio", "network", "none",
    "platform", "postgres", "public", "redis", "replicator", "root", "template",
})  # fmt: skip
"""Names that the platform, PostgreSQL, Redis or MinIO already give a meaning."""
_SHORTEST_STEM = 3  # MinIO takes no shorter access key


def _free_project_id(text: str) -> str:
    stem = names.stem(text)
    if stem in RESERVED_STEMS or stem.startswith("pg-"):
        raise refusal(f"{shown(text)} is a reserved name", "Write a more specific id, for example team-blog.")
    if len(stem) < _SHORTEST_STEM:
        raise refusal(f"{shown(text)} is too short without -app", "Write at least 3 characters before -app.")
    return text


ProjectId = Annotated[
    str,
    Shape(
        "a project id",
        "Write 3 to 40 lower-case letters, digits and single hyphens, for example food-delivery-app.",
        _SLUG,
        longest=40,
        shortest=3,
    ),
    AfterValidator(_free_project_id),
]
_NAME_REMEDY = "Write lower-case letters, digits and single hyphens, for example web-2."
PoolName = Annotated[str, Shape("a pool name", _NAME_REMEDY, _SLUG, longest=40)]
ServerName = Annotated[str, Shape("a server name", _NAME_REMEDY, _SLUG, longest=40)]
WorkerName = Annotated[str, Shape("a worker's name", _NAME_REMEDY, _SLUG, longest=40)]
CronName = Annotated[str, Shape("a cron job's name", _NAME_REMEDY, _SLUG, longest=40)]
Tag = Annotated[str, Shape("a tag", _NAME_REMEDY, r"[a-z0-9]+(-[a-z0-9]+)*", longest=40)]
SentryProject = Annotated[
    str, Shape("a Sentry project's slug", _NAME_REMEDY, r"[a-z0-9][a-z0-9_-]*", longest=100)
]
BucketSuffix = Annotated[
    str,
    Shape(
        "a bucket suffix",
        "Write lower-case letters, digits and single hyphens, for example uploads.",
        r"[a-z0-9]+(-[a-z0-9]+)*",
        longest=22,
    ),
]


def _domain_remedy(text: str) -> str:
    if text.startswith("*."):
        return "Write one host name; names with a wildcard are for environment.aliases."
    host = re.sub(r"^[a-z]+://|[:/].*$", "", text.strip().lower())
    try:
        ascii_form = host.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_form = ""
    if ascii_form != text and re.fullmatch(DOMAIN, ascii_form):
        return f"Write {ascii_form}."
    return (
        "Write a lower-case host name without scheme, port, path or wildcard, for example blog.example.com."
    )


def check_domain(text: str) -> str:
    """A host name, lower case; raises the refusal of anything else."""
    return Shape("a domain name", _domain_remedy(text), DOMAIN, longest=253).check(text)


DomainName = Annotated[
    str,
    AfterValidator(check_domain),
    Field(json_schema_extra={"pattern": f"^(?:{DOMAIN})$", "maxLength": 253}),
]
HostName = Annotated[
    str,
    Shape(
        "an address", "Write an IP address or a host name.", rf"{_HOST}|[0-9a-f:]*:[0-9a-f:]+", longest=253
    ),
]
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPv4 = Annotated[
    str, Shape("an IPv4 address", "Write for example 10.77.0.2.", rf"({_OCTET}\.){{3}}{_OCTET}", longest=15)
]
RegistryHost = Annotated[
    str,
    Shape(
        "a registry",
        "Write host or host:port, for example registry.lab.test:5000.",
        rf"{_HOST}({_PORT})?",
        259,
    ),
]
ImageReference = Annotated[
    str,
    Shape(
        "a complete image reference",
        "Write registry, repository and a tag or digest, for example ghcr.io/leocompany/blog:1.4.0.",
        rf"(localhost({_PORT})?|{_HOST}{_PORT}|{DOMAIN})"
        r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
        r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
        longest=400,
    ),
]
WebUrl = Annotated[
    str,
    Shape(
        "a web address",
        "Write for example https://api.example.com/v1.",
        rf"https?://{_HOST}({_PORT})?(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?",
        longest=300,
    ),
]
HttpPath = Annotated[
    str,
    Shape(
        "a URL path",
        "Write a path that starts with /, without query, for example /api/health.",
        r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?",
        longest=200,
    ),
]
FilePath = Annotated[
    str,
    Shape(
        "a file path",
        "Write a path of letters, digits and ._/- that does not start with a hyphen.",
        r"[A-Za-z0-9._/][A-Za-z0-9._/-]*",
        longest=400,
    ),
]
HostKey = Annotated[
    str,
    Shape(
        "an SSH host key",
        "Write type and key as in /etc/ssh/ssh_host_ed25519_key.pub, without comment.",
        r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,1000}={0,2}",
        longest=1100,
    ),
]
UserName = Annotated[str, Shape("a user name", "Write for example root.", r"[a-z_][a-z0-9_-]*", longest=32)]
Email = Annotated[
    str,
    Shape(
        "an e-mail address",
        "Write for example infra@example.com.",
        rf"[A-Za-z0-9._+-]+@{DOMAIN}",
        longest=254,
    ),
]

Argument = Annotated[
    str,
    Shape("one line of text", "Write one line without control characters.", LINE, longest=4096, shortest=0),
    AfterValidator(refuse_markers),
]
ExtensionName = Literal[
    "btree_gin", "btree_gist", "citext", "cube", "dict_int", "fuzzystrmatch", "hstore", "intarray", "isn",
    "lo", "ltree", "pg_trgm", "pgcrypto", "seg", "tablefunc", "tcn", "tsm_system_rows", "tsm_system_time",
    "unaccent", "uuid-ossp",
]  # fmt: skip
"""The extensions that PostgreSQL 16 ships and trusts a database's owner to create."""

HOST_PORTS = range(3001, 4000)
"""Ports of apps on a host; 3000 is what `npm run dev` listens on and stays free."""


def _host_port(port: int) -> int:
    if port not in HOST_PORTS:
        reason = "is reserved for development" if port == 3000 else "is outside the range of apps"
        raise refusal(f"port {port} {reason}", "Write a port from 3001 to 3999, or leave servers.ports out.")
    return port


HostPort = Annotated[
    int,
    AfterValidator(_host_port),
    Field(json_schema_extra={"minimum": HOST_PORTS[0], "maximum": HOST_PORTS[-1]}),
]
Port = Annotated[int, Field(ge=1, le=65535)]


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(f"{shown(value)} is listed twice", "Remove one of the two.", at=(index,))
    return values


Items = Annotated[
    tuple[T, ...],
    Field(strict=False, max_length=100, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
"""A list without repetitions, at most 100 long."""


def _with_program(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command[0].strip():
        raise refusal("the program has no name", "Write it first: [node, migrate.js].", at=(0,))
    return command


Arguments = Annotated[
    tuple[Argument, ...], Field(strict=False, min_length=1, max_length=100), AfterValidator(_with_program)
]
"""A command as a list: program first, no shell in between. Its arguments may be empty."""
