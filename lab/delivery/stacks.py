"""Two stacks, each on a host of its own, as their owner sets them up: settings in the platform's repository, secrets
encrypted in it, one state.

The hosts are not those of `make lab`, whose stack `dev` stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lab import paths
from lab.delivery import places
from lab.host import HostInfo, Lab, keys
from lab.host.cache import write_atomically
from lab.images.registry import NAME
from lab.pulumi.cli import cli
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack

RECEIVER_PORT: Final = 8455
"""On the lab's bridge: the hosts' webhook has to be the same at each run."""


@dataclass(frozen=True)
class Kind:
    """A stack: its host in the lab, its domain, and whether it is one to try things on."""

    name: str
    host: str
    domain: str
    development: bool


DEV: Final = Kind("dev", "dev31", "dev.test", development=True)
PROD: Final = Kind("prod", "prod32", "prod.test", development=False)
KINDS: Final = (DEV, PROD)


def home() -> Home:
    """CLI and plugins of both."""
    return Home(places.FOLDER / "pulumi")


def stack(kind: Kind) -> Stack:
    """The stack in the clone of the platform's repository, where its settings are."""
    project = places.work(places.PLATFORM)
    settings = project / f"Pulumi.{kind.name}.yaml"
    state, passphrase = places.FOLDER / "state", places.SECRETS / paths.PASSPHRASE.name
    return Stack(project, kind.name, home(), settings, state, passphrase)


def prepare(lab: Lab) -> None:
    """Hosts, images, registry, CLI and generated secrets in their places. Raises LabError."""
    lab.ensure([kind.host for kind in KINDS])
    paths.ensure_secrets(places.SECRETS)
    for kind in KINDS:
        paths.ensure_secrets(places.SECRETS / kind.name)
    bins = (paths.PULUMI / "bin", home().bin)
    home().ensure(cli(lab.folders, lab.progress, bins))


def settings(kind: Kind, host: HostInfo, gateway: str) -> Mapping[str, Any]:
    """What isn't secret of a stack's settings."""
    own = yaml.safe_load((paths.REPO / "Pulumi.dev.yaml").read_text())["config"]
    server = {
        "name": kind.host,
        "address": host.address,
        "privateAddress": host.address,
        "user": "root",
        "roles": ["app", "data", "edge"],
        "hostKey": host.host_key,
    }
    kept = ("tlsIssuer", "imagePull", "images")
    found: dict[str, Any] = {
        **{f"codeb:{key}": own[f"codeb:{key}"] for key in kept},
        "codeb:domain": kind.domain,
        "codeb:manifests": f"manifests/{kind.name}",
        "codeb:provider": "existing",
        "codeb:servers": [server],
        "codeb:adminAddresses": [gateway],
        "codeb:insecureRegistries": [NAME],
    }
    if kind.development:
        found["codeb:development"] = "true"
        found["codeb:previews"] = {"max": 2, "ttlHours": 72}
    return found


def manifest(kind: Kind) -> Mapping[str, Any]:
    """What the stack knows of the app."""
    return {
        "project": {
            "id": places.PROJECT,
            "owner": "team-shop",
            "repository": f"https://github.com/{places.APP}",
            "lifecycle": "destroy",
        },
        "environment": {
            "domain": f"shop.{kind.domain}",
            "image": f"{NAME}/{places.APP}:main",
            "variables": {"SHOP_TITLE": f"Tea and cups ({kind.name})"},
        },
        "resources": {"memory": "256Mi", "storage": {"enabled": False}, "cache": {"enabled": False}},
        "features": {"release_command": ["node", "migrate.js"]},
        "monitoring": {
            "health": {"path": "/api/health", "interval": "1s", "start_timeout": "120s"},
            "sentry_project": "shop",
        },
    }


def write(kind: Kind, lab: Lab) -> None:
    """Settings, secrets and manifest of a stack, unless its clone has them: then they are what somebody has committed."""
    found = stack(kind)
    if not found.settings.exists():
        host = lab.info(kind.host)
        document = {"config": dict(settings(kind, host, lab.network.gateway))}
        write_atomically(found.settings, yaml.safe_dump(document, allow_unicode=True))
    if not found.state.exists():
        found.backend.mkdir(parents=True, exist_ok=True)
        found.ask("stack", "init", "--secrets-provider", "passphrase")
    if "codeb:rootSecret" not in found.settings.read_text():
        for key, value in _secrets(kind, lab).items():
            found.ask("config", "set", "--secret", "--path", key, stdin=value)
    path = found.project / "manifests" / kind.name / f"{places.PROJECT}.yaml"
    write_atomically(path, yaml.safe_dump(dict(manifest(kind)), allow_unicode=True))


def _secrets(kind: Kind, lab: Lab) -> Mapping[str, str]:
    receiver = f"http://{lab.network.gateway}:{RECEIVER_PORT}"
    return {
        "codeb:sshPrivateKey": keys.client_key(lab.folders).read_text(),
        "codeb:notifications.slack[0]": f"{receiver}/slack/hosts",
        "codeb:sentry.organization": "tea-and-cups",  # Pulumi masks it wherever it is shown
        "codeb:sentry.token": "sentry-token-of-the-lab",
        "codeb:sentry.url": receiver,
        # The last: with it all of them are set.
        "codeb:rootSecret": (places.SECRETS / kind.name / paths.ROOT_SECRET.name).read_text().strip(),
    }


def runner_environment(lab: Lab) -> Mapping[str, str]:
    """What a runner of the platform's workflows finds in its environment: the lab's CLI instead of one to install."""
    found = stack(DEV).environment()
    kept = (
        "PATH",
        "PULUMI_HOME",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
        "PULUMI_SKIP_UPDATE_CHECK",
        "PULUMI_RUN_PROGRAM",
    )
    return {**{key: found[key] for key in kept}, "CODEB_LAB_CACHE": str(lab.folders.cache)}


def passphrase() -> str:
    """What the state's secrets are encrypted with."""
    return (places.SECRETS / paths.PASSPHRASE.name).read_text().strip()


def ca_certificate(kind: Kind, outputs: Mapping[str, Any]) -> Path:
    """By what visitors of a stack trust it, as a file."""
    path = places.FOLDER / f"ca-{kind.name}.crt"
    write_atomically(path, str(outputs["caCertificate"]))
    return path
