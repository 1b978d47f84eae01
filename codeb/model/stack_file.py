"""A stack's configuration file: which keys the program reads, and what stands there without decrypting anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from codeb.model.backup_secrets import KEY as BACKUP_KEY
from codeb.model.cloud_secrets import KEYS as CLOUD_KEYS
from codeb.model.document import read_document
from codeb.model.monitoring_secrets import KEY as MONITORING_KEY
from codeb.model.outside import KEYS as OUTSIDE_KEYS
from codeb.model.problems import Location, ManifestErrors
from codeb.model.settings import Settings
from codeb.model.sources import read_source
from codeb.model.vault_secrets import KEY as VAULT_KEY

PLAIN_KEYS: Final = tuple(str(field.alias) for field in Settings.model_fields.values())
"""Keys of the plain settings."""
SECRET_KEYS: Final = (
    *("rootSecret", "sshPrivateKey", "projectSecrets", VAULT_KEY, BACKUP_KEY, MONITORING_KEY),
    *OUTSIDE_KEYS,
    *CLOUD_KEYS,
)
"""Keys of the secret configuration; the program takes them from plain text, too."""
_PREFIX: Final = "codeb:"


@dataclass(frozen=True)
class StackFile:
    """`Pulumi.<stack>.yaml`, keys without their prefix. `secrets` are as they stand there, some of them encrypted.

    `whole` is false when the file takes more configuration from somewhere else (Pulumi ESC).
    """

    stack: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, Any] = field(repr=False)
    unknown: tuple[str, ...] = ()
    whole: bool = True


def read_stack_file(file: Path, stack: str = "<stack>") -> StackFile:
    """What stands in a stack's file. `unknown` are encrypted keys that the program doesn't read.

    Raises:
        ManifestErrors: the file can't be read, or its `config` is not a mapping.
    """
    source = read_source(file)
    document = read_document(source.path, source.text)
    config = document.value.get("config", {})
    if not isinstance(config, dict):
        problem = document.problem(("config",), "is not a mapping", "Write keys below it, indented.")
        raise ManifestErrors([problem])
    values = {k.removeprefix(_PREFIX): _value(v) for k, v in config.items() if k.startswith(_PREFIX)}
    secret = {key: value for key, value in values.items() if key in SECRET_KEYS}
    plain = {key: value for key, value in values.items() if key not in secret and not encrypted(value)}
    known = {*secret, *plain, *PLAIN_KEYS}
    return StackFile(
        stack,
        plain,
        secret,
        unknown=tuple(key for key in values if key not in known),
        whole="environment" not in document.value,
    )


def read_stack_values(file: Path) -> dict[str, Any]:
    """The plain settings of a `Pulumi.<stack>.yaml` without their prefix `codeb:`.

    Raises:
        ManifestErrors: as `read_stack_file`.
    """
    return dict(read_stack_file(file).settings)


def encrypted(value: object) -> bool:
    """Whether a value stands there as Pulumi encrypts it."""
    return isinstance(value, dict) and list(value) == ["secure"] and isinstance(value["secure"], str)


def encrypted_places(value: object, at: Location = ()) -> Iterator[Location]:
    """Where in a value something is encrypted."""
    if encrypted(value):
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from encrypted_places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from encrypted_places(inner, (*at, index))


def _value(value: object) -> object:
    """A mapping or a list may also stand there as JSON text, as `pulumi config set` without `--path` writes it."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
