"""A stack in a temporary folder, programs as text, and a provider that only remembers."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.engine.api import Appearance, Engine
from lab.engine.operation import Result
from lab.engine.provider import (
    UNKNOWN,
    CheckResult,
    DiffResult,
    PartialFailure,
    Properties,
    ProviderError,
    State,
)
from lab.engine.run import Options
from lab.engine.targets import Targets

PRELUDE = """
import pulumi
from pulumi import Output, ResourceOptions as O

class Thing(pulumi.CustomResource):
    def __init__(self, name, opts=None, **props):
        super().__init__("fake:index:Thing", name, {"result": None, **props}, opts)

class Provider(pulumi.ProviderResource):
    def __init__(self, name, opts=None, **props):
        super().__init__("fake", name, props, opts)

class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None, kind="Group"):
        super().__init__(f"test:index:{kind}", name, {}, opts)
"""


class World:
    """What really exists, and what happened to it, across runs and provider instances."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.count = 0
        self.cancelled = 0
        self.lock = threading.Lock()

    def note(self, what: str) -> None:
        """Remember an operation; `+name`, `~name`, `-name`."""
        with self.lock:
            self.log.append(what)
        if what in self.failing:
            raise self.failing[what]

    def take_log(self) -> list[str]:
        """What has happened since the last time."""
        taken, self.log = self.log, []
        return taken


class FakeProvider:
    """Input `fixed` forces a replacement, `early` one that deletes first; `result` is computed."""

    package = "fake"

    def __init__(self, world: World) -> None:
        self._world = world

    def check_config(self, inputs: Properties) -> CheckResult:
        return CheckResult(dict(inputs))

    def diff_config(self, old_inputs: Properties, old_outputs: Properties, news: Properties) -> DiffResult:
        replaces = ("server",) if old_inputs.get("server") != news.get("server") else ()
        return DiffResult(old_inputs != news, replaces=replaces, diffs=replaces)

    def configure(self, inputs: Properties) -> None:
        return None

    def check(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes
    ) -> CheckResult:
        failures = (("bad", "it is bad"),) if news.get("bad") else ()
        return CheckResult(dict(news), failures)

    def diff(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> DiffResult:
        keys = sorted(key for key in old_inputs.keys() | news.keys() if old_inputs.get(key) != news.get(key))
        replaces = tuple(key for key in keys if key in ("fixed", "early"))
        return DiffResult(bool(keys), replaces, tuple(keys), delete_before_replace="early" in keys)

    def secret_properties(self, type_: str) -> tuple[str, ...]:
        return ()

    def preview(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> dict[str, Any]:
        return {**news, "result": UNKNOWN}

    def create(self, type_: str, urn: str, news: Properties) -> State:
        name = urn.rsplit("::", 1)[-1]
        with self._world.lock:
            self._world.count += 1
            id_ = f"{name}-{self._world.count}"
        try:
            self._world.note(f"+{name}")
        except PartialFailure as error:
            raise PartialFailure(State(id_, dict(news)), error.reasons) from error
        self._world.things[id_] = dict(news)
        return State(id_, {**news, "result": f"made {name}"})

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        name = urn.rsplit("::", 1)[-1]
        self._world.note(f"~{name}")
        self._world.things[id_] = dict(news)
        return State(id_, {**news, "result": f"changed {name}"})

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        self._world.note(f"-{urn.rsplit('::', 1)[-1]}")
        self._world.things.pop(id_, None)

    def read(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> State:
        found = self._world.things.get(id_)
        return State("", {}) if found is None else State(id_, {**outputs, **found}, found)

    def cancel(self) -> None:
        self._world.cancelled += 1

    def close(self) -> None:
        return None


class Stack:
    """One stack and the world it is deployed to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.backend, self.world = folder / "project", folder / "backend", World()
        self.folder.mkdir()
        (self.folder / "Pulumi.yaml").write_text("name: proj\nruntime: python\n")
        self.text = ""

    def factory(self, package: str, version: str | None) -> FakeProvider:
        if package != "fake":
            raise ProviderError(f"no provider for package {package!r}")
        return FakeProvider(self.world)

    def engine(
        self, program: str = "", *, json_output: bool = False, diff: bool = False
    ) -> tuple[Engine, io.StringIO]:
        (self.folder / "__main__.py").write_text(PRELUDE + program)
        stream = io.StringIO()
        appearance = Appearance(json=json_output, diff=diff, stream=stream)
        return Engine(self.folder, "dev", self.backend, "pass", self.factory, appearance=appearance), stream

    def _do(self, act: Callable[[Engine], Result], program: str, **look: bool) -> Result:
        engine, stream = self.engine(program, **look)
        try:
            return act(engine)
        finally:
            self.text = stream.getvalue()

    def up(self, program: str, options: Options | None = None) -> Result:
        """Deploy a program; it must work."""
        result = self._do(lambda engine: engine.up(options), program)
        assert result.exit_code == 0, self.text
        return result

    def up_failing(self, program: str, options: Options | None = None) -> Result:
        """Deploy a program; it must fail."""
        result = self._do(lambda engine: engine.up(options), program)
        assert result.exit_code == 1, self.text
        return result

    def preview(self, program: str, options: Options | None = None, **look: bool) -> Result:
        """What a program would do."""
        return self._do(lambda engine: engine.preview(options), program, **look)

    def destroy(self, program: str = "", options: Options | None = None) -> Result:
        """Delete the stack."""
        return self._do(lambda engine: engine.destroy(options), program)

    def refresh(self, program: str = "", options: Options | None = None) -> Result:
        """Read what exists."""
        return self._do(lambda engine: engine.refresh(options), program)

    @property
    def state_file(self) -> Path:
        """The checkpoint."""
        return self.backend / ".pulumi" / "stacks" / "proj" / "dev.json"

    @property
    def deployment(self) -> dict[str, Any]:
        """What the checkpoint holds."""
        latest = json.loads(self.state_file.read_text())["checkpoint"]["latest"]
        return dict(latest)

    def resources(self) -> list[dict[str, Any]]:
        """The resources in state, but for the stack and providers."""
        hidden = ("pulumi:pulumi:Stack", "pulumi:providers:")
        return [item for item in self.deployment.get("resources", []) if not item["type"].startswith(hidden)]

    def names(self) -> list[str]:
        """Their names, in the order of the state; `!` marks one that waits for its deletion."""
        return [name_of(item["urn"]) + ("!" if item.get("delete") else "") for item in self.resources()]


def name_of(urn: str) -> str:
    return urn.split("::", 3)[-1]


def urn_of(name: str, type_: str = "fake:index:Thing") -> str:
    return f"urn:pulumi:dev::proj::{type_}::{name}"


def targeting(*names: str, **options: Any) -> Options:
    """Options that target things by name."""
    return Options(targets=Targets(urn_of(name) if "*" not in name else name for name in names), **options)


def shown(result: Result) -> list[tuple[str, str]]:
    """The steps that users see, sorted."""
    hidden = ("same",)
    return sorted(
        (op, name_of(urn))
        for op, urn in result.steps
        if op not in hidden and "pulumi:" not in urn.split("::")[2]
    )
