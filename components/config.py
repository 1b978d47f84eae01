"""What the program reads at its edge: stack configuration, secrets, manifests, the previous registry."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pulumi

from codeb.live import Live, settled
from codeb.model import (
    PLAIN_KEYS,
    DocumentErrors,
    Manifest,
    Manifests,
    ManifestSource,
    Outside,
    Settings,
    load_manifests,
    parse_outside,
    parse_settings,
    read_sources,
    refuse_vulnerable,
    say_of_manifests,
)
from codeb.model.outside import KEYS as OUTSIDE_KEYS
from codeb.model.supplied import KEY as SUPPLIED
from codeb.model.supplied import Supplied, parse_supplied
from codeb.plan import Plan, PlanError, make_plan
from codeb.secrets import RootSecret, SecretError
from codeb.ssh import SshTarget, find_host_key
from components.live import read_live

_HINTS = 3


@dataclass(frozen=True)
class Secrets:
    """Secret configuration of the stack, in plain text in memory only; `repr` shows nothing."""

    root: RootSecret
    ssh_private_key: str
    projects: Mapping[str, Mapping[str, str]]
    outside: Outside

    def __repr__(self) -> str:
        return "Secrets([redacted])"


@dataclass(frozen=True)
class Stack:
    """All that the program declares resources from.

    `previous` is the registry of the last update, `live` what its servers say runs now.
    """

    name: str
    plan: Plan
    secrets: Secrets
    targets: Mapping[str, SshTarget]
    previous: Mapping[str, Any] | None
    live: Live


async def load(config: pulumi.Config, folder: Path) -> Stack:
    """Read, validate and plan the stack whose `Pulumi.yaml` is in `folder`.

    Raises:
        pulumi.RunError: with every problem of settings, manifests or plan, and what to do about each.
    """
    known = await previous_registry()
    try:
        settings = read_settings(config)
        _check_provider(settings)
        manifests = load_manifests(_sources(folder, settings), settings)
        _say_hints(manifests)
        secrets = read_secrets(config, folder, manifests)
        targets = {
            server.name: ssh_target(settings, server.name, secrets, folder) for server in settings.servers
        }
        live = read_live(targets, known)
        previous = settled(known, live, targets)
        plan = make_plan(settings, manifests, previous)
    except (DocumentErrors, PlanError) as error:
        raise pulumi.RunError(str(error)) from None
    return Stack(stack_name(), plan, secrets, targets, previous, live)


def _say_hints(manifests: Manifests) -> None:
    """The first few: `codeb validate` says all of them."""
    found = say_of_manifests(manifests)
    for hint in found[:_HINTS]:
        pulumi.log.info(str(hint))
    if len(found) > _HINTS:
        pulumi.log.info(f"{len(found) - _HINTS} more manifests have such lines: `codeb validate` shows them.")


def stack_name() -> str:
    """`organization/project/stack`, as stack references write it."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def read_settings(config: pulumi.Config) -> Settings:
    """The stack's plain settings.

    Raises:
        codeb.model.SettingsErrors: a key is missing or wrong, or an image is known to be vulnerable.
    """
    values = {key: value for key in PLAIN_KEYS if (value := _get(config, key)) is not None}
    settings = parse_settings(values, pulumi.get_stack())
    refuse_vulnerable(settings, pulumi.get_stack())
    return settings


def _sources(folder: Path, settings: Settings) -> list[ManifestSource]:
    """The manifests, their paths as messages show them: relative to the folder."""
    sources = read_sources(folder / settings.manifests)
    return [replace(source, path=os.path.relpath(source.path, folder)) for source in sources]


def _check_provider(settings: Settings) -> None:
    if settings.provider == "vultr":
        raise pulumi.RunError(
            "codeb:provider is vultr, and creating servers there is not built yet: nothing was done. Bring your own "
            "servers: set codeb:provider to existing and list them in codeb:servers (README, Production)."
        )


def read_secrets(config: pulumi.Config, folder: Path, manifests: Iterable[Manifest]) -> Secrets:
    """The stack's secrets, from secret configuration or from files of mode 0600 below `folder`.

    Raises:
        pulumi.RunError: a secret is missing or wrong, or its file is readable by others.
    """
    supplied = read_supplied(config, manifests)
    try:
        root = RootSecret(_secret(config, folder, "rootSecret", "rootSecretFile"))
    except SecretError as error:
        raise pulumi.RunError(f"codeb:rootSecret: {error}") from None
    return Secrets(
        root=root,
        ssh_private_key=_secret(config, folder, "sshPrivateKey", "sshPrivateKeyFile"),
        projects=supplied.values,
        outside=read_outside(config),
    )


def read_supplied(config: pulumi.Config, manifests: Iterable[Manifest]) -> Supplied:
    """The secrets that manifests name; those that none names are told.

    Raises:
        pulumi.RunError: names every secret that is missing or wrong, never a value.
    """
    try:
        supplied = parse_supplied(_secret_object(config, SUPPLIED), manifests, pulumi.get_stack())
    except DocumentErrors as error:
        raise pulumi.RunError(str(error)) from None
    for text in supplied.unused:
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


def ssh_target(settings: Settings, name: str, secrets: Secrets, folder: Path) -> SshTarget:
    """How to log in to the server `name` of the settings, with its pinned host key.

    Raises:
        pulumi.RunError: the server's host key is not known.
    """
    server = next(server for server in settings.servers if server.name == name)
    host_key = server.host_key or _known_host_key(
        folder / str(server.known_hosts_file), server.address, server.ssh_port
    )
    return SshTarget(server.address, server.ssh_port, server.user, host_key, secrets.ssh_private_key)


async def previous_registry() -> dict[str, Any] | None:
    """The `registry` output of this stack's last update, or None before the first one."""
    reference = pulumi.StackReference("previous", stack_name=stack_name())
    details = await reference.get_output_details("registry")
    return cast(dict[str, Any] | None, details.value)


def _get(config: pulumi.Config, key: str) -> Any:
    text = config.get(key)
    if text is None or not text.lstrip().startswith(("[", "{")):
        return text
    return config.get_object(key)


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


def _known_host_key(path: Path, address: str, port: int) -> str:
    """The first key that an OpenSSH known-hosts file has for the address, as `type base64`."""
    try:
        text = path.read_text()
    except OSError as error:
        raise pulumi.RunError(
            f"codeb:servers: cannot read the known-hosts file {path.name}: {error.strerror}"
        ) from None
    found = find_host_key(text, address, port)
    if found is not None:
        return found
    raise pulumi.RunError(
        f"codeb:servers: {path.name} has no key for {address}: add one with `ssh-keyscan {address} >> {path.name}` after "
        "you have checked it"
    )
