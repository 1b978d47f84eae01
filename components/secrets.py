"""The stack's secrets, from secret configuration or from files that only their owner can read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi

from codeb.model import (
    BackupCredentials,
    CloudSecrets,
    DocumentErrors,
    Manifests,
    MonitoringCredentials,
    Outside,
    Settings,
    parse_backup_credentials,
    parse_cloud_secrets,
    parse_monitoring_credentials,
    parse_outside,
)
from codeb.model.backup_secrets import KEY as BACKUP_KEY
from codeb.model.cloud_secrets import API_KEY, CERTIFICATE
from codeb.model.monitoring_secrets import KEY as MONITORING_KEY
from codeb.model.outside import KEYS as OUTSIDE_KEYS
from codeb.model.supplied import KEY as SUPPLIED
from codeb.model.supplied import Supplied, parse_supplied, wanted_keys
from codeb.model.vault_secrets import KEY as VAULT_KEY
from codeb.secrets import RootSecret, SecretError
from components.vault import read_vaulted, vault_credentials

API_KEY_VARIABLE: Final = "VULTR_API_KEY"
"""Where the API key may stand instead, in the environment."""


@dataclass(frozen=True)
class Secrets:
    """Secret configuration of the stack, in plain text in memory only; `repr` shows nothing."""

    root: RootSecret
    ssh_private_key: str
    projects: Mapping[str, Mapping[str, str]]
    outside: Outside
    cloud: CloudSecrets
    backup: BackupCredentials | None = None
    monitoring: MonitoringCredentials | None = None

    def __repr__(self) -> str:
        return "Secrets([redacted])"


def read_secrets(config: pulumi.Config, folder: Path, settings: Settings, manifests: Manifests) -> Secrets:
    """The stack's secrets, from secret configuration or from files of mode 0600 below `folder`.

    Raises:
        pulumi.RunError: a secret is missing or wrong, or its file is readable by others.
    """
    supplied = read_supplied(config, settings, manifests)
    try:
        root = RootSecret(_secret(config, folder, "rootSecret", "rootSecretFile"))
    except SecretError as error:
        raise pulumi.RunError(f"codeb:rootSecret: {error}") from None
    return Secrets(
        root=root,
        ssh_private_key=_secret(config, folder, "sshPrivateKey", "sshPrivateKeyFile"),
        projects=supplied.values,
        outside=read_outside(config),
        cloud=read_cloud_secrets(config, settings),
        backup=read_backup_credentials(config, settings),
        monitoring=read_monitoring_credentials(config, settings),
    )


def read_cloud_secrets(config: pulumi.Config, settings: Settings) -> CloudSecrets:
    """The API key and the balancer's certificate, from secret configuration; the key also from the environment.

    Raises:
        codeb.model.SettingsErrors: a key is missing or wrong; names it, never its value.
    """
    key = config.get(API_KEY) or os.environ.get(API_KEY_VARIABLE) or None
    values = {API_KEY: key, CERTIFICATE: _secret_object(config, CERTIFICATE)}
    return parse_cloud_secrets(values, settings, pulumi.get_stack())


def read_backup_credentials(config: pulumi.Config, settings: Settings) -> BackupCredentials | None:
    """Keys of the second place of backups; None without one.

    Raises:
        pulumi.RunError: names every part that is missing or wrong, never a value.
    """
    try:
        return parse_backup_credentials(_secret_object(config, BACKUP_KEY), settings, pulumi.get_stack())
    except DocumentErrors as error:
        raise pulumi.RunError(str(error)) from None


def read_monitoring_credentials(config: pulumi.Config, settings: Settings) -> MonitoringCredentials | None:
    """What the other place of logs and traces lets us in with; None without one.

    Raises:
        pulumi.RunError: it is missing or wrong; never shows it.
    """
    try:
        return parse_monitoring_credentials(config.get(MONITORING_KEY), settings, pulumi.get_stack())
    except DocumentErrors as error:
        raise pulumi.RunError(str(error)) from None


def read_supplied(config: pulumi.Config, settings: Settings, manifests: Manifests) -> Supplied:
    """The secrets that manifests name, of the vault or of the configuration; those that none names are told.

    Raises:
        pulumi.RunError: names every secret that is missing or wrong, never a value.
    """
    credentials = vault_credentials(_secret_object(config, VAULT_KEY), settings)
    data = _secret_object(config, SUPPLIED)
    vaulted = read_vaulted(settings, credentials, wanted_keys(manifests, manifests.derived))
    try:
        supplied = parse_supplied(data, manifests, pulumi.get_stack(), manifests.derived, vaulted)
    except DocumentErrors as error:
        raise pulumi.RunError(str(error)) from None
    for text in supplied.notes:
        pulumi.log.warn(text)
    return supplied


def read_outside(config: pulumi.Config) -> Outside:
    """Webhooks, Sentry and registries, from secret configuration.

    Raises:
        pulumi.RunError: a key is wrong; names it, never its value.
    """
    values = {key: value for key in OUTSIDE_KEYS if (value := _secret_object(config, key)) is not None}
    try:
        return parse_outside(values, pulumi.get_stack())
    except DocumentErrors as error:
        raise pulumi.RunError(str(error)) from None


def _secret_object(config: pulumi.Config, key: str) -> Any:
    """`config.get_object` shows a text that is no JSON in its error."""
    text = config.get(key)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise pulumi.RunError(
            f"codeb:{key} is a text, not a mapping: remove it and set its keys one by one with "
            f"`pulumi config set --secret --path 'codeb:{key}.…'`"
        ) from None


def _secret(config: pulumi.Config, folder: Path, key: str, file_key: str) -> str:
    value = config.get(key)
    if value:
        return value
    name = config.get(file_key)
    if not name:
        raise pulumi.RunError(
            f"codeb:{key} is not set: run `pulumi config set --secret codeb:{key}`, or name a file in codeb:{file_key}"
        )
    path = folder / name
    try:
        mode = path.stat().st_mode
        text = path.read_text().strip()
    except OSError as error:
        raise pulumi.RunError(f"codeb:{file_key}: cannot read {name}: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise pulumi.RunError(f"codeb:{file_key}: {name} can be read by others: run `chmod 600 {name}`")
    return text
