"""Generated secrets: passwords, the platform's CA and certificates, all derived from one root secret per
stack.

HKDF-SHA256 over the root secret, with purpose and rotation number as info: no resource per password, a
preview knows every value, and the same root secret always leads to the same text. `PURPOSES` lists all
there is.

Rendered text names a secret by a marker, `@{secret:postgres/admin}`, a later number of it by `@{secret:postgres/admin:2}`,
and a certificate, which is public but takes the CA's key to make, by `@{public:platform/ca}`. So it does with what only
the cloud knows of a machine's disks (`codeb.names.disk_marker`). `resolve` fills markers in, at the last moment and in
memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from codeb import names, watch_names
from codeb.age import SEED_BYTES, age_identity, age_recipient
from codeb.bearer import prometheus_token
from codeb.certificates import Authority, certificate_authority, server_certificate

PURPOSES: Final = {
    "postgres/admin": "password of PostgreSQL's administrator",
    "postgres/archive": "password of the role that takes WAL over into the archive",
    "postgres/tls": "private key of PostgreSQL's certificate",
    "minio/admin": "password of MinIO's administrator",
    "backup/key": "identity of age that opens the stack's backups; its recipient is public",
    "backup/storage": "secret key of the platform's account for backups in MinIO",
    "monitoring/grafana": "password of Grafana's administrator",
    "monitoring/postgres": "password of the role that asks PostgreSQL for its figures",
    "monitoring/redis": "password of the user that asks Redis instances for their figures",
    "monitoring/minio": "secret key of the account that asks MinIO for its figures",
    "redis/<n>/admin": "password of the administrator of the shared Redis instance n",
    "platform/ca": "private key of the platform's CA",
    "platform/changes": "key of the digests by which previews tell that a secret changed",
    "platform/fleet": "mark by which the stack's resources at a cloud provider are told from another's",
    "ssh/<server>/first": "host key that a machine brings with its user data",
    "ssh/<server>/host": "host key of a machine from the first connection on",
    "project/<id>/database": "password of the project's role in PostgreSQL",
    "project/<id>/cache": "password of the project's user in Redis",
    "project/<id>/redis": "password of the administrator of the project's own Redis instance",
    "project/<id>/storage": "secret key of the project's account in MinIO",
    "project/<id>/session": "NEXTAUTH_SECRET of the app",
}
"""Every purpose a secret is derived for; `<n>` is a number, `<id>` a project id, `<server>` a server's name."""

_NAME: Final = "[a-z0-9][a-z0-9-]*"
_PURPOSE: Final = re.compile(
    "|".join(
        re.escape(p).replace("<n>", "(?:0|[1-9][0-9]{0,2})").replace("<id>", _NAME).replace("<server>", _NAME)
        for p in PURPOSES
    )
)
_MARKER: Final = re.compile(r"@\{(secret|public|disk|share|managed):([a-z0-9/-]+(?::[1-9][0-9]{0,2})?)\}")
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PASSWORD_LENGTH: Final = 40  # of 62 characters: 238 bits
_SHORTEST_ROOT: Final = 32
_FEWEST_CHARACTERS: Final = 10
_REMEDY: Final = "generate one with: openssl rand -base64 48"


class SecretError(Exception):
    """A root secret that is too weak, or a marker or purpose that does not exist; names it, never a value."""


class RootSecret:
    """The stack's root secret. Its text never shows; passwords and keys come from it.

    Raises:
        SecretError: the secret is shorter than 32 characters or made of fewer than 10 different ones.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        text = value.strip()
        if len(text) < _SHORTEST_ROOT or len(set(text)) < _FEWEST_CHARACTERS:
            raise SecretError(
                f"the root secret is too weak: it takes {_SHORTEST_ROOT} random characters or more; {_REMEDY}"
            )
        self._value = text.encode()

    def __repr__(self) -> str:
        return "RootSecret([redacted])"

    def __reduce__(self) -> str:
        raise TypeError("a root secret is not to be stored")

    def derive(self, purpose: str, rotation: int = 1) -> str:
        """A password of 40 letters and digits (238 bits). `rotation` counts from 1; another number, another
        password.

        Raises:
            SecretError: the purpose is not in the table.
        """
        number = int.from_bytes(self._bytes(purpose, rotation, 64))
        letters = []
        for _ in range(PASSWORD_LENGTH):
            number, rest = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[rest])
        return "".join(letters)

    def seed(self, purpose: str, rotation: int = 1) -> bytes:
        """48 bytes to make a key from.

        Raises:
            SecretError: the purpose is not in the table.
        """
        return self._bytes(purpose, rotation, 48)

    def _bytes(self, purpose: str, rotation: int, length: int) -> bytes:
        if not _PURPOSE.fullmatch(purpose):
            raise SecretError(f"no secret is derived for {purpose!r}")
        info = f"codeb/1/{purpose}/{rotation}".encode()
        return HKDF(hashes.SHA256(), length, salt=None, info=info).derive(self._value)


@dataclass(frozen=True)
class ProjectCredentials:
    """What one app logs in with. `supplied` are the values of the manifest's `environment.secrets`."""

    database_password: str = field(repr=False)
    cache_password: str = field(repr=False)
    storage_access_key: str
    storage_secret_key: str = field(repr=False)
    session_secret: str = field(repr=False)
    supplied: Mapping[str, str] = field(default_factory=dict, repr=False)
    database_login: str = ""
    """Who logs in to the database; "" for the role that owns it."""


@dataclass(frozen=True)
class Rotation:
    """Numbers of a project's login in PostgreSQL, password in Redis and key in MinIO; another number, another value."""

    database: int = 1
    cache: int = 1
    storage: int = 1


_FIRST: Final = Rotation()


def project_credentials(
    root: RootSecret, project_id: str, supplied: Mapping[str, str] | None = None, rotation: Rotation = _FIRST
) -> ProjectCredentials:
    """The generated credentials of a project, with the supplied ones."""
    return ProjectCredentials(
        database_login=names.database_login(project_id, rotation.database),
        database_password=root.derive(f"project/{project_id}/database", rotation.database),
        cache_password=root.derive(f"project/{project_id}/cache", rotation.cache),
        storage_access_key=names.storage_user(project_id, rotation.storage),
        storage_secret_key=root.derive(f"project/{project_id}/storage", rotation.storage),
        session_secret=root.derive(f"project/{project_id}/session"),
        supplied=dict(supplied or {}),
    )


class PlatformSecrets:
    """Values of the markers in the platform's own files.

    `data_hosts` are the addresses and names under which PostgreSQL is reached; its certificate lists them.
    `configured` are texts that come from the stack's configuration instead of the root secret, by purpose; `known` are
    texts of whole markers: what the cloud has answered (`codeb.plan.places`), and what machines are told of the stack.
    """

    def __init__(
        self,
        root: RootSecret,
        data_hosts: Sequence[str],
        configured: Mapping[str, str] | None = None,
        known: Mapping[str, str] | None = None,
    ) -> None:
        self._root = root
        self._data_hosts = tuple(data_hosts)
        self._configured = dict(configured or {})
        self._known = dict(known or {})

    def __repr__(self) -> str:
        return "PlatformSecrets([redacted])"

    @property
    def authority(self) -> Authority:
        """The platform's CA."""
        return certificate_authority(self._root.seed("platform/ca"))

    def lookup(self, kind: str, purpose: str) -> str:
        """The value of `@{kind:purpose}`; KeyError when there is none."""
        if (marker := f"@{{{kind}:{purpose}}}") in self._known:
            return self._known[marker]
        if kind in ("disk", "share", "managed"):
            raise KeyError(purpose)
        if kind == "public":
            return self._public(purpose)
        if purpose in self._configured:
            return self._configured[purpose]
        if purpose == "platform/ca":
            return self.authority.key
        if purpose == "postgres/tls":
            return self._postgres_certificate()[1]
        if purpose == "backup/key":
            return age_identity(self._backup_seed())
        if purpose == "monitoring/minio/token":
            return prometheus_token(watch_names.METRICS_USER, self._root.derive("monitoring/minio"))
        name, _, number = purpose.partition(":")
        plain = name.removesuffix("/sha256")
        if not _PURPOSE.fullmatch(plain):
            raise KeyError(purpose)
        password = self._root.derive(plain, int(number or 1))
        return password if plain == name else sha256(password.encode()).hexdigest()

    def _public(self, purpose: str) -> str:
        if purpose == "platform/ca":
            return self.authority.certificate
        if purpose == "postgres/tls":
            return self._postgres_certificate()[0]
        if purpose == "backup/key":
            return age_recipient(self._backup_seed())
        raise KeyError(purpose)

    def _backup_seed(self) -> bytes:
        return self._root.seed("backup/key")[:SEED_BYTES]

    def _postgres_certificate(self) -> tuple[str, str]:
        return server_certificate(
            self.authority, self._root.seed("postgres/tls"), "postgres", self._data_hosts
        )


def holds_secret(text: str) -> bool:
    """Whether a text has a secret marker, so that its file must be readable by its owner alone."""
    return "@{secret:" in text


def resolve(text: str, lookup: Callable[[str, str], str]) -> str:
    """`text` with its markers filled in by `lookup(kind, purpose)`.

    Raises:
        SecretError: a marker is malformed or names something that does not exist.
    """

    def value(match: re.Match[str]) -> str:
        try:
            return lookup(match[1], match[2])
        except KeyError:
            raise SecretError(f"{match[0]} names nothing that can be filled in") from None

    rest = _MARKER.sub("", text)
    for start in ("@{secret:", "@{public:", "@{disk:", "@{share:", "@{managed:"):
        if start in rest:
            raise SecretError(f"malformed marker: a {start} that does not end as @{{secret:purpose}}")
    return _MARKER.sub(value, text)
