"""A golden case: `settings.yaml`, `manifests/`, perhaps `previous.json` and `request.json` in; files of `expected/` out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import yaml

from codeb import registry, watch_names
from codeb.model import load_manifests, parse_request, parse_settings, read_sources
from codeb.plan import Plan, PlanError, ProjectPlan, ServerPlan, make_plan, merged
from codeb.render import (
    admins_document,
    console,
    grafana,
    host_files,
    project_environment,
    release_document,
    route_document,
    rules,
)
from codeb.secrets import ProjectCredentials

FOLDER = Path(__file__).parent

STAND_INS = ProjectCredentials(
    database_password="DATABASE-PASSWORD",
    cache_password="CACHE-PASSWORD",
    storage_access_key="STORAGE-ACCESS-KEY",
    storage_secret_key="STORAGE-SECRET-KEY",
    session_secret="SESSION-SECRET",
    supplied={"API_KEY": "SUPPLIED-SECRET"},
)
"""What goldens show in place of secrets."""


MADE_ELSEWHERE = (
    *(f"{console.FOLDER}/", f"{grafana.DASHBOARDS}/"),
    *(f"{watch_names.PROMETHEUS_DIR}/{name}" for name in rules.RULE_FILES),
)
"""What is the same for every stack and has tests of its own: the console's page, Grafana's dashboards, Prometheus' rules."""

_CLOUD = re.compile(r"@\{(address|private|disk|share):([a-z0-9-]+)\}")
_OWN = {
    "ssh/own": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T codeb",
    "platform/fleet": "codeb-prod-ab12cd",
}


def from_the_cloud(text: str) -> str:
    """A text with what only Vultr, or the program that made the servers, can tell; goldens show markers instead."""

    def value(match: re.Match[str]) -> str:
        kind, server = match.groups()
        number = 3 + crc32(server.encode()) % 250
        return {
            "address": f"203.0.113.{number}",
            "private": f"10.64.0.{number}",
            "disk": f"/dev/disk/by-id/virtio-{number}",
            "share": f"vfs-{number}",
        }[kind]

    for purpose, told in _OWN.items():
        text = text.replace(f"@{{public:{purpose}}}", told)
    return _CLOUD.sub(value, text)


@dataclass(frozen=True)
class Case:
    """One folder of cases."""

    folder: Path

    @property
    def expected(self) -> Path:
        return self.folder / "expected"

    def plan(self) -> Plan:
        """The plan of this case; raises what planning raises."""
        settings = parse_settings(yaml.safe_load((self.folder / "settings.yaml").read_text()))
        manifests = load_manifests(read_sources(self.folder / "manifests"), settings)
        file, asked = self.folder / "previous.json", self.folder / "request.json"
        previous = json.loads(file.read_text()) if file.exists() else None
        request = parse_request(asked.read_text() if asked.exists() else None)
        found = merged(manifests, settings, previous, request)
        return make_plan(settings, found.manifests, previous, found.kept)

    def rendered(self) -> dict[str, str]:
        """Every text of this case by its path below `expected/`."""
        try:
            plan = self.plan()
        except PlanError as error:
            return {"error.txt": f"{error}\n"}
        found = {
            "notes.txt": "".join(f"{note}\n" for note in plan.notes),
            "registry.json": _json(registry.document(registry.planned_entries(plan), kept=plan.kept)),
        }
        for server in plan.servers:
            bundle = host_files(plan, server)
            found[f"hosts/{server.name}/bundle.json"] = _json(_without_contents(bundle.document()))
            if server.has("data"):
                found[f"hosts/{server.name}/admins.json"] = _json(admins_document(plan))
            found |= {
                f"hosts/{server.name}{file.path}": file.content
                for file in bundle.files
                if not file.path.startswith(MADE_ELSEWHERE)
            }
            if len(plan.servers) > 1:
                found |= {
                    f"hosts/{server.name}/etc/caddy/sites/{id}.caddy": text
                    for id, text in _sites(plan, server)
                }
        for project in plan.projects:
            for name, text in project_files(plan, project):
                found[f"projects/{project.id}/{name}"] = text
        return found


def cases() -> list[Case]:
    """Every case, in order of name."""
    return [Case(path.parent) for path in sorted(FOLDER.glob("*/settings.yaml"))]


def project_files(plan: Plan, project: ProjectPlan) -> Iterator[tuple[str, str]]:
    """File name and text of all that a project's release consists of."""
    document = release_document(plan, project)
    units = document["units"]
    parts = [units["network"], units["blue"], units["green"]]
    parts += [part for job in units["cron"] for part in (job["container"], job["timer"])]
    parts += [document["job"]["unit"]] if document["job"] else []
    parts += [unit for worker in document.get("workers", ()) for unit in worker["units"].values()]
    for part in parts:
        yield part["name"], part.pop("content")
    if document["site"] is not None:
        if len(plan.servers) == 1:
            yield "site.caddy", document["site"]
        document["site"] = "…"
    yield "release.json", _json(document)
    values = project_environment(plan, project, STAND_INS)
    yield "environment", "".join(f"{name}={value}\n" for name, value in values.items())


def _sites(plan: Plan, server: ServerPlan) -> Iterator[tuple[str, str]]:
    """Id and site of each project that this server runs or is an edge for."""
    for project in plan.projects:
        runs = server.name in project.servers
        if runs or server.has("edge"):
            document = (
                release_document(plan, project, server) if runs else route_document(plan, project, server)
            )
            yield project.id, document["site"]


def _without_contents(document: dict[str, Any]) -> dict[str, Any]:
    for file in document["files"]:
        file["content"] = "…"
    return document


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
