"""The stack `fleet` of this clone: its own home, state, secrets and settings, on the simulated Vultr."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab import paths
from lab.fleet.cloud import Cloud
from lab.fleet.shape import NAME
from lab.host import keys
from lab.pulumi.cli import Cli, cli
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack

PACE = "0.1"
"""Of the plugin's waits: a real balancer takes a quarter of a minute at least, a server half."""


def stack(cloud: Cloud, project: Path = paths.REPO) -> Stack:
    """The stack, whether it exists or not; of this clone or of another project folder, which then has its state."""
    return of(project, paths.FLEET, cloud.account.environment())


def of(project: Path, place: Path, account: Mapping[str, str]) -> Stack:
    """The same for whoever has home and secrets in `place`; `account` is what a client of the API needs to know."""
    home = Home(place / "pulumi")
    settings, own = (home.folder, place) if project == paths.REPO else (project, project)
    return Stack(
        project,
        NAME,
        home,
        settings / f"settings-{NAME}.yaml",
        own / "state",
        place / "secrets" / paths.PASSPHRASE.name,
        {**account, "CODEB_VULTR_PACE": PACE},
    )


def prepare(cloud: Cloud, stack: Stack) -> Cli:
    """CLI, plugins and generated secrets in their places. Raises LabError."""
    secrets = stack.passphrase.parent
    paths.ensure_secrets(secrets)
    keys.key_pair(secrets / "id_ed25519", "codeb-fleet")
    found = cli(cloud.lab.folders, cloud.lab.progress, (paths.PULUMI / "bin", stack.home.bin))
    stack.home.ensure(found)
    return found
