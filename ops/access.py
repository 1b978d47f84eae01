"""Which servers a stack has, and how to log in to them: settings or outputs, SSH key, pinned host keys.

The whole settings are validated by `codeb.model`, which takes a third of a second to load. A rollback has no time
for that: what is plainly right is read directly, anything else goes to the model, which says what is wrong with it.
"""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from codeb.ssh import SshTarget, find_host_key
from ops.machines import MachinesError, machines, makes_servers
from ops.pulumi import PulumiError, ask

LOADER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CLI_SECONDS: Final = 60
_FORMS: Final = {
    "name": re.compile(r"[a-z0-9][a-z0-9-]{0,39}"),
    "address": re.compile(r"[a-z0-9][a-z0-9.:-]{0,252}"),
    "sshPort": re.compile(r"[1-9][0-9]{0,4}"),
    "user": re.compile(r"[a-z_][a-z0-9_-]{0,31}"),
    "pool": re.compile(r"[a-z0-9][a-z0-9-]{0,39}"),
    "hostKey": re.compile(r"(?:ssh|ecdsa)-[a-z0-9-]{1,40} [A-Za-z0-9+/]{40,1000}={0,2}"),
    "knownHostsFile": re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]{0,399}"),
}
FILE: Final = _FORMS["knownHostsFile"]
_DEFAULTS: Final = {"sshPort": "22", "user": "root", "pool": "default", "hostKey": "", "knownHostsFile": ""}
_ROLES: Final = ("app", "data", "edge")
_KNOWN_ROLES: Final = frozenset({*_ROLES, "monitoring"})


class AccessError(Exception):
    """A server can't be logged in to; the message says why and what to do."""


@dataclass(frozen=True)
class Server:
    """A server of the stack; `holds_data`: PostgreSQL, Redis and MinIO run there; `watches`: it has the role monitoring."""

    name: str
    pool: str
    target: SshTarget
    holds_data: bool = False
    watches: bool = False


@dataclass(frozen=True)
class _Facts:
    """A server as the settings say it: exactly one of `host_key` and `known_hosts_file` is set."""

    name: str
    address: str
    port: int
    user: str
    pool: str
    host_key: str
    known_hosts_file: str
    runs_apps: bool = True
    holds_data: bool = False
    watches: bool = False


def app_servers(
    folder: Path, stack: str, identity: str | None = None, *, every: bool = False
) -> tuple[Server, ...]:
    """The servers of the stack in `folder` that run projects; with `every` the others, too.

    Args:
        stack: a name that `ops.arguments` has checked.
        identity: file with the private key; by default the stack's own.

    Raises:
        AccessError: settings, key or host key are missing or wrong.
    """
    values = stack_values(folder, stack)
    if makes_servers(values):
        made = _made_servers(folder, stack, values, identity, lambda server: every or server.runs_apps)
        if not made:
            raise AccessError(f"stack {stack} has no server with the role app: there is nothing to ask")
        return made
    servers, key_file = _plain(values) or _by_the_model(folder, stack)
    facts = [each for each in servers if every or each.runs_apps]
    if not facts:
        raise AccessError(
            f"Pulumi.{stack}.yaml: codeb:servers has no server with the role app: there is nothing to ask"
        )
    return _servers(folder, facts, private_key(folder, stack, identity, key_file))


def _servers(folder: Path, facts: Sequence[_Facts], key: str) -> tuple[Server, ...]:
    return tuple(
        Server(
            each.name,
            each.pool,
            SshTarget(each.address, each.port, each.user, _host_key(folder, each), key),
            each.holds_data,
            each.watches,
        )
        for each in facts
    )


def server_named(folder: Path, stack: str, name: str, identity: str | None = None) -> Server | None:
    """The server of this name that the stack has made, whatever it does; None when it has none such. Raises AccessError."""
    found = _made_servers(
        folder, stack, stack_values(folder, stack), identity, lambda server: server.name == name
    )
    return found[0] if found else None


def _made_servers(
    folder: Path,
    stack: str,
    values: Mapping[str, Any],
    identity: str | None,
    wanted: Callable[[_Facts], bool],
) -> tuple[Server, ...]:
    """The servers wanted, of those that the stack has made and those that it lists.

    Outputs and key are asked side by side: each takes the CLI half a second.
    """
    from concurrent.futures import ThreadPoolExecutor

    key_file = values.get("sshPrivateKeyFile", "")
    with ThreadPoolExecutor(1) as worker:
        asked = worker.submit(machines, folder, stack)
        key = private_key(folder, stack, identity, key_file if isinstance(key_file, str) else "")
        try:
            entries = asked.result()
        except MachinesError as error:
            raise AccessError(str(error)) from None
    listed = values.get("servers")
    found = [_server(each) for each in (*entries, *(listed if isinstance(listed, list) else ()))]
    if None in found:
        raise AccessError(
            f"Pulumi.{stack}.yaml or the output fleet.servers has a server that is not plainly right: run a preview"
        )
    return _servers(folder, [each for each in found if each and wanted(each)], key)


def stack_values(folder: Path, stack: str) -> Mapping[str, Any]:
    """The keys `codeb:…` as text; empty when the model has to say what is wrong with the file."""
    try:
        document = yaml.load((folder / f"Pulumi.{stack}.yaml").read_bytes(), Loader=LOADER)  # noqa: S506 - texts only
        return {
            key.removeprefix("codeb:"): value
            for key, value in document["config"].items()
            if key.startswith("codeb:")
        }
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return {}


def _plain(values: Mapping[str, Any]) -> tuple[list[_Facts], str] | None:
    """The servers and the name of the key file; None when not all is plainly right."""
    servers, key_file = values.get("servers"), values.get("sshPrivateKeyFile", "")
    if values.get("provider", "existing") != "existing" or "pools" in values or not isinstance(servers, list):
        return None
    if not isinstance(key_file, str) or not (key_file == "" or FILE.fullmatch(key_file)):
        return None
    found = [_server(each) for each in servers]
    return None if None in found else ([each for each in found if each], key_file)


def _server(value: object) -> _Facts | None:
    """One entry of `codeb:servers`; None when it is not plainly right."""
    if not isinstance(value, dict):
        return None
    roles = value.get("roles", list(_ROLES))
    texts = {name: value.get(name, _DEFAULTS.get(name)) for name in _FORMS}
    right = all(
        isinstance(text, str) and (text == _DEFAULTS.get(name) or _FORMS[name].fullmatch(text))
        for name, text in texts.items()
    )
    known = isinstance(roles, list) and all(isinstance(role, str) and role in _KNOWN_ROLES for role in roles)
    if not right or not known or (texts["hostKey"] == "") == (texts["knownHostsFile"] == ""):
        return None
    return _Facts(
        name=str(texts["name"]),
        address=str(texts["address"]),
        port=int(str(texts["sshPort"])),
        user=str(texts["user"]),
        pool=str(texts["pool"]),
        host_key=str(texts["hostKey"]),
        known_hosts_file=str(texts["knownHostsFile"]),
        runs_apps="app" in roles,
        holds_data="data" in roles,
        watches="monitoring" in roles,
    )


def _by_the_model(folder: Path, stack: str) -> tuple[list[_Facts], str]:
    """The same from the validated settings, slowly. Raises AccessError with every problem."""
    from codeb.model import DocumentErrors, parse_settings, read_stack_values

    try:
        settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
    except DocumentErrors as error:
        raise AccessError(str(error)) from None
    facts = [
        _Facts(
            each.name, each.address, each.ssh_port, each.user, each.pool, each.host_key or "",
            each.known_hosts_file or "", "app" in each.roles, "data" in each.roles,
            "monitoring" in each.roles,
        )
        for each in settings.servers
    ]  # fmt: skip
    return facts, settings.ssh_private_key_file or ""


def private_key(folder: Path, stack: str, identity: str | None, key_file: str) -> str:
    """The private key as text: `--identity`, the stack's file, or the stack's secret by the Pulumi CLI.

    Raises:
        AccessError: there is none, or others can read its file.
    """
    if identity is not None:
        return secret_text(Path(identity), "--identity")
    if key_file:
        return secret_text(folder / key_file, "codeb:sshPrivateKeyFile")
    if shutil.which("pulumi"):
        return _key_from_pulumi(folder, stack)
    raise AccessError(
        "no SSH key: name its file with --identity FILE, or put the pulumi CLI on the PATH, which reads the secret "
        "codeb:sshPrivateKey of the stack"
    )


def secret_text(path: Path, source: str) -> str:
    """What a file says that others can't read; `source` is what names it. Raises AccessError."""
    try:
        mode, text = path.stat().st_mode, path.read_text()
    except (OSError, ValueError) as error:
        raise AccessError(
            f"{source}: cannot read {path}: {getattr(error, 'strerror', '') or 'no text'}"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise AccessError(f"{source}: {path} can be read by others: run `chmod 600 {path}`")
    return text


def _key_from_pulumi(folder: Path, stack: str) -> str:
    try:
        found = ask(folder, stack, "config", "get", "codeb:sshPrivateKey", seconds=_CLI_SECONDS)
    except PulumiError as error:
        raise AccessError(
            f"no SSH key: {error}. Log in to the stack's backend, or name the key's file with --identity FILE"
        ) from None
    if not found.strip():
        raise AccessError("no SSH key: codeb:sshPrivateKey is empty. Name its file with --identity FILE")
    return found


def _host_key(folder: Path, server: _Facts) -> str:
    if server.host_key:
        return server.host_key
    path = folder / server.known_hosts_file
    try:
        text = path.read_text()
    except OSError as error:
        raise AccessError(
            f"codeb:servers: cannot read the known-hosts file {path}: {error.strerror}"
        ) from None
    found = find_host_key(text, server.address, server.port)
    if found is None:
        raise AccessError(
            f"codeb:servers: {path} has no key for {server.address}: add one with `ssh-keyscan {server.address} >> {path}` "
            "after you have checked it"
        )
    return found
