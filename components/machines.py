"""What the program gives a fleet: whose it is, who may log in, and what each machine is told when it is made."""

from __future__ import annotations

from functools import partial

import pulumi

from codeb import hostkeys
from codeb.fleet import mark_of
from codeb.plan import Fleet as FleetPlan
from codeb.render.cloud_init import user_data
from codeb.render.text import public_marker
from components.fleet import FleetArgs
from components.ready import Ready
from components.running import renewed
from components.secrets import Secrets
from ops.vultr.client import Client


def fleet_args(fleet: FleetPlan, secrets: Secrets, people: tuple[str, ...]) -> FleetArgs:
    """The arguments of `components.fleet.Fleet`; `people` are the public keys of the settings.

    Raises:
        pulumi.RunError: a secret that Vultr needs is missing or wrong.
    """
    if not secrets.cloud.api_key:
        raise pulumi.RunError(
            "codeb:vultrApiKey is not set: run `pulumi config set --secret codeb:vultrApiKey`, or put the key into the "
            "environment as VULTR_API_KEY. Vultr's account page has it, below API, where this machine must be allowed, too"
        )
    keys = authorized_keys(secrets, people)
    first = {
        machine.server: hostkeys.machine_first_key(secrets.root, machine.server) for machine in fleet.machines
    }
    return FleetArgs(
        fleet=fleet,
        owner=owner(secrets),
        keys=keys,
        user_data={server: user_data(key, keys) for server, key in first.items()},
        api_key=secrets.cloud.api_key,
        certificate=secrets.cloud.certificate,
        renew=renewed(),
        ready=Ready(partial(Client, secrets.cloud.api_key)),
    )


def owner(secrets: Secrets) -> str:
    """The mark of this stack on what it has at Vultr."""
    return mark_of(pulumi.get_stack(), secrets.root)


def machine_facts(secrets: Secrets) -> dict[str, str]:
    """What bundles of machines name by markers: the stack's own key, and whose they are.

    Raises:
        pulumi.RunError: the stack's SSH key is none.
    """
    return {
        public_marker("ssh/own"): authorized_keys(secrets, ())[0],
        public_marker("platform/fleet"): owner(secrets),
    }


def authorized_keys(secrets: Secrets, people: tuple[str, ...]) -> tuple[str, ...]:
    """Public keys that root's account lets in: the stack's own first, each once.

    Raises:
        pulumi.RunError: the stack's SSH key is none.
    """
    try:
        own = hostkeys.public_half(secrets.ssh_private_key)
    except hostkeys.SshKeyError as error:
        raise pulumi.RunError(f"codeb:sshPrivateKey: {error}") from None
    return (f"{own} codeb", *(key for key in people if key.split()[:2] != own.split()))
