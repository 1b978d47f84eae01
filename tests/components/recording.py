"""Run the whole program on a monitor that records every registration."""

from __future__ import annotations

import asyncio
import json
import runpy
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pulumi
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi.runtime.config import set_all_config

from ops.ssh import Answer, SshError

REPO = Path(__file__).resolve().parents[2]
ROOT_SECRET = "component-tests-root-secret-0123456789-abcdefghij"
SECRET_KEYS = (
    *(
        "rootSecret",
        "sshPrivateKey",
        "vultrApiKey",
        "projectSecrets",
        "vaultCredentials",
        "backupCredentials",
        "monitoringCredentials",
        "notifications",
        "sentry",
        "registryCredentials",
    ),
)
DIGEST = "sha256:" + "5" * 64
SSH_KEY = "component-tests-ssh-private-key"


SHOP = """
project: {id: shop}
environment: {domain: shop.lab.test, image: "registry.lab.test:5000/shop:1"}
"""
BARE = """
project: {id: bare}
environment: {domain: bare.lab.test, image: "registry.lab.test:5000/bare:1"}
resources: {database: {enabled: false}, cache: {enabled: false}, storage: {enabled: false}}
"""
VAULT = """
project: {id: vault-app, lifecycle: destroy}
environment: {domain: vault.lab.test, image: "registry.lab.test:5000/vault:1", secrets: [API_TOKEN]}
"""
ALL = {"shop.yaml": SHOP, "bare.yaml": BARE, "vault.yaml": VAULT}
SUPPLIED = {"projectSecrets": {"vault-app": {"API_TOKEN": "supplied-token-value"}}}


@dataclass(frozen=True)
class Registration:
    """What the program asked the engine for; `inputs` keep secrets wrapped."""

    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    custom: bool
    protect: bool
    retain_on_delete: bool
    deleted_with: str
    dependencies: frozenset[str]
    urn: str
    provider: str
    ignore_changes: tuple[str, ...]
    delete_before_replace: bool
    additional_secret_outputs: tuple[str, ...]
    origin: tuple[str, ...]
    """Files of the program's stack, innermost first."""


@dataclass
class Recording:
    registrations: list[Registration] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)

    def named(self, name: str) -> Registration:
        return next(item for item in self.registrations if item.name == name)

    def of_project(self, project_id: str) -> list[Registration]:
        component = next(
            item
            for item in self.registrations
            if item.type == "codeb:project:Project" and item.name == project_id
        )
        return [component, *(item for item in self.registrations if item.parent == component.urn)]


class Answers(mocks.Mocks):
    """What hosts and data services would answer. `registry` is the stack's previous output."""

    def __init__(self, registry: Mapping[str, Any] | None) -> None:
        self.registry = registry

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program calls no function, but asked for {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            outputs["outputs"] = {"registry": self.registry} if self.registry else {}
            outputs["secretOutputNames"] = []
        elif args.typ == "command:remote:Command":
            outputs |= {"stdout": _agent_answer(args.name), "stderr": ""}
        return f"{args.name}-id", outputs


class RecordingMonitor(mocks.MockMonitor):
    def __init__(self, answers: Answers, recording: Recording) -> None:
        super().__init__(answers)
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
        self.recording.registrations.append(
            Registration(
                type=request.type,
                name=request.name,
                parent=request.parent,
                inputs=inputs,
                custom=request.custom,
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                deleted_with=request.deletedWith,
                dependencies=frozenset(request.dependencies),
                urn=response.urn,
                provider=request.provider,
                ignore_changes=tuple(request.ignoreChanges),
                delete_before_replace=request.deleteBeforeReplace,
                additional_secret_outputs=tuple(request.additionalSecretOutputs),
                origin=tuple(frame.pc.uri for frame in request.stackTrace.frames),
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.recording.outputs.append(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        return super().RegisterResourceOutputs(request)


def recorded(
    answers: Answers, program: Callable[[], object], *, folder: Path | None = None, preview: bool = False
) -> Recording:
    """Run a program and return what it registered; `folder` is its root directory."""
    recording = Recording()
    settings.configure(
        settings.Settings(
            project="codeb",
            stack="test",
            organization="organization",
            root_directory=str(folder) if folder else None,
            monitor=RecordingMonitor(answers, recording),
            engine=mocks.MockEngine(None),
            dry_run=preview,
        )
    )
    settings.set_root_resource(cast(pulumi.Resource, None))
    asyncio.run(stack.run_in_stack(program))
    return recording


def record(
    folder: Path,
    manifests: Mapping[str, str],
    *,
    config: Mapping[str, Any] | None = None,
    registry: Mapping[str, Any] | None = None,
    preview: bool = False,
    ask: Callable[..., Answer] | None = None,
    answers: Answers | None = None,
) -> Recording:
    """Run `__main__.py` with these manifests (file name → YAML) and return what it registered.

    `ask` stands in for the servers' agents; without one no server answers. `answers` are other than those with `registry`.
    """
    (folder / "manifests").mkdir(parents=True, exist_ok=True)
    for name, text in manifests.items():
        (folder / "manifests" / name).write_text(text)
    for part in ("__main__.py",):
        shutil.copy(REPO / part, folder / part)
    values = {**BASE_CONFIG, **(config or {})}
    texts = {
        f"codeb:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
    }

    def program() -> None:
        set_all_config(texts, [f"codeb:{key}" for key in SECRET_KEYS])
        _run_program(folder)

    with (  # there is no server
        mock.patch("components.tunnels.open_tunnel"),
        mock.patch("components.live.ask", ask or mock.Mock(side_effect=SshError("there is no server"))),
    ):
        return recorded(answers or Answers(registry), program, folder=folder, preview=preview)


def _run_program(folder: Path) -> None:
    runpy.run_path(str(folder / "__main__.py"), run_name="__main__")


BASE_CONFIG: dict[str, Any] = {
    "domain": "lab.test",
    "servers": [
        {
            "name": "one",
            "address": "192.0.2.10",
            "privateAddress": "10.0.0.10",
            "roles": ["app", "data", "edge"],
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1yqM2dSsm5K5nH0fSg7w3kPBbO1l0Zf3f5YyTqNcVt",
        }
    ],
    "rootSecret": ROOT_SECRET,
    "sshPrivateKey": SSH_KEY,
    "tlsIssuer": "internal",
}


def _agent_answer(name: str) -> str:
    if "-release-" not in name:
        return json.dumps({"ok": True})
    project = name.rsplit("-release-", 1)[0]
    health = {"status": "healthy", "last_check": "2026-01-01T00:00:00Z"}
    return json.dumps(
        {
            "ok": True, "project": project, "active": "blue", "image": "i", "digest": "sha256:0", "container_id": "c",
            "health": health, "created_at": "2026-01-01T00:00:00Z", "released_at": "2026-01-01T00:00:00Z", "changed": True,
            "resolved": DIGEST, "warnings": ["the image declares VOLUME /data"],
        }
    )  # fmt: skip


def plain_texts(value: Any) -> Iterator[str]:
    """Every text in a value that is not wrapped as a secret."""
    if isinstance(value, pulumi.Output):
        raise AssertionError("an unresolved output reached the monitor")
    if rpc.is_rpc_secret(value):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from plain_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from plain_texts(item)
    else:
        yield str(value)
