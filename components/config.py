"""What the program reads at its edge: stack configuration, manifests, what it is asked for, the previous outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi

from codeb.fleet import mark_of
from codeb.live import Live, settled
from codeb.model import (
    PLAIN_KEYS,
    DocumentErrors,
    Manifests,
    ManifestSource,
    Settings,
    load_manifests,
    parse_request,
    parse_settings,
    read_sources,
    refuse_vulnerable,
    say_of_manifests,
)
from codeb.names import REQUEST_VARIABLE
from codeb.plan import Plan, PlanError, cost_line, make_plan, merged
from codeb.plan.places import marked
from codeb.ssh import SshTarget
from components.live import read_live
from components.running import check_running, renewed, waiting
from components.secrets import Secrets, read_secrets
from components.targets import ssh_targets

_HINTS = 3


@dataclass(frozen=True)
class Stack:
    """All that the program declares resources from.

    `previous`, `fleet` and `costs` are outputs of the last update, `live` is what its servers say runs now. `targets` are
    the servers that can be logged in to now: a machine that is yet to be made is none.
    """

    name: str
    folder: Path
    plan: Plan
    secrets: Secrets
    targets: Mapping[str, SshTarget]
    previous: Mapping[str, Any] | None
    fleet: Mapping[str, Any]
    costs: Any
    live: Live

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of the plan, of servers that don't follow it, and of what it costs."""
        change, fleet = cost_line(self.plan.costs, self.costs), self.plan.fleet
        held = waiting(fleet, self.fleet, renewed()) if fleet else ()
        return (*self.plan.notes, *held, *([change] if change else []))


async def load(config: pulumi.Config, folder: Path) -> Stack:
    """Read, validate and plan the stack whose `Pulumi.yaml` is in `folder`.

    Raises:
        pulumi.RunError: with every problem of settings, request, manifests or plan, and what to do about each.
    """
    outputs = await previous_outputs()
    known, fleet = outputs["registry"], outputs["fleet"] or {}
    try:
        settings = read_settings(config)
        asked = parse_request(os.environ.get(REQUEST_VARIABLE))
        run = merged(load_manifests(_sources(folder, settings), settings), settings, known, asked)
        manifests = run.manifests
        _say_hints(manifests)
        secrets = read_secrets(config, folder, settings, manifests)
        targets = ssh_targets(settings, secrets, folder, fleet)
        live = read_live(targets, known, settings.data_servers if settings.managed.has_data else ())
        previous = settled(known, live, targets)
        owner = mark_of(pulumi.get_stack(), secrets.root)
        plan = marked(make_plan(settings, manifests, previous, run.kept), owner)
    except (DocumentErrors, PlanError) as error:
        raise pulumi.RunError(str(error)) from None
    check_running(plan, owner, outputs["servers"] or {}, fleet)
    return Stack(stack_name(), folder, plan, secrets, targets, previous, fleet, outputs["costs"], live)


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


async def previous_outputs() -> dict[str, Any]:
    """The outputs `registry`, `fleet`, `costs` and `servers` of this stack's last update; None for what it had none of."""
    reference = pulumi.StackReference("previous", stack_name=stack_name())
    names = ("registry", "fleet", "costs", "servers")
    return {name: (await reference.get_output_details(name)).value for name in names}


def _get(config: pulumi.Config, key: str) -> Any:
    text = config.get(key)
    if text is None or not text.lstrip().startswith(("[", "{")):
        return text
    return config.get_object(key)
