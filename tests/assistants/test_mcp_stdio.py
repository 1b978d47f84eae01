"""The SDK's own client on `codeb mcp` over standard input and output, with the real Pulumi CLI and servers nowhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from anyio.abc import TaskGroup
from mcp import Client, MCPError, StdioServerParameters

from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.paths import CODEB
from lab.pulumi.cli import cli
from ops import plans

pytestmark = pytest.mark.cli
STACK = "bench"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A stack with two projects, deployed."""
    folder = tmp_path_factory.mktemp("bench")
    bench = Bench.make(cli(Folders.here(), Progress(), ()), folder, manifests_program(folder / "program", 2))
    bench.up()
    return bench


@pytest.fixture(autouse=True)
def state(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(bench.folder / "own"))


@asynccontextmanager
async def client(bench: Bench, *options: str, mode: str = "auto") -> AsyncIterator[Client]:
    """A client as editors start it."""
    own = {"XDG_STATE_HOME": str(bench.folder / "own")}
    server = StdioServerParameters(
        command=str(CODEB),
        args=["mcp", "--stack", STACK, *options],
        env={**bench.environment(), **own},
        cwd=bench.program.folder,
    )
    async with Client(server, mode=mode, read_timeout_seconds=180) as found:
        yield found


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


def approve(bench: Bench, plan: str) -> None:
    plans.approve(plan, STACK, str(bench.program.folder.resolve()), "ann@laptop")


def write(bench: Bench, name: str, image: str = "registry.bench.test/app:1") -> None:
    manifest = {
        "project": {"id": name},
        "environment": {"domain": f"{name}.bench.test", "image": image},
        "servers": {"pool": "pool0"},
    }
    (bench.program.folder / "manifests" / f"{name}.yaml").write_text(yaml.safe_dump(manifest))


def locks(bench: Bench) -> list[Path]:
    return list((bench.folder / "state" / ".pulumi" / "locks").rglob("*.json"))


def resources(bench: Bench) -> set[str]:
    latest = json.loads(bench.stack.state.read_text())["checkpoint"]["latest"]
    assert not latest.get("pending_operations"), "nothing is half-done"
    return {item["urn"].rpartition("::")[2] for item in latest["resources"]}


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
def test_a_project_is_added_only_by_an_approved_plan(bench: Bench, mode: str) -> None:
    name = f"added-{mode}"

    async def run() -> None:
        async with client(bench, "--allow-deploy", mode=mode) as assistant:
            assert assistant.server_info is not None
            assert assistant.server_info.name == "codeb-deploy"
            write(bench, name)
            assert (await call(assistant, "validate_manifest", path=f"{name}.yaml"))["ok"]
            planned = await call(assistant, "plan_manifest", path=f"{name}.yaml")
            assert (planned["ok"], planned["project"], planned["compared_with_registry"]) == (
                True,
                name,
                True,
            )
            previewed = await call(assistant, "preview")
            assert {"resource": name, "op": "create"} in previewed["steps"]
            plan = previewed["plan_id"]
            refused = await call(assistant, "deploy", plan_id=plan)
            assert f"codeb approve {plan}" in refused["refused"]
            assert name not in resources(bench)
            approve(bench, plan)
            deployed = await call(assistant, "deploy", plan_id=plan)
            assert deployed["ok"], deployed
            assert name in resources(bench)
            assert "used up" in (await call(assistant, "deploy", plan_id=plan))["refused"]

    anyio.run(run)
    bench.remember()
    assert locks(bench) == []


def test_a_manifest_that_is_wrong_has_no_plan(bench: Bench) -> None:
    async def run() -> None:
        async with client(bench) as assistant:
            assert {"deploy", "rollback"}.isdisjoint(
                tool.name for tool in (await assistant.list_tools()).tools
            )
            file = bench.program.folder / "manifests" / "wrong.yaml"
            file.write_text("project: {id: wrong}\n")
            try:
                previewed = await call(assistant, "preview")
            finally:
                file.unlink()
            assert (previewed["ok"], previewed["plan_id"]) == (False, "")
            assert "environment" in previewed["said"]["text"]

    anyio.run(run)


def test_a_cancelled_deployment_leaves_no_lock_and_nothing_half_done(bench: Bench) -> None:
    async def run() -> None:
        async with client(bench, "--allow-deploy") as assistant:
            async with deploying(bench, assistant, "cancelled") as group:
                group.cancel_scope.cancel()
            await to_its_end(bench)
            assert last(bench)["interrupted"] is True
            again = await call(assistant, "preview")
            assert again["ok"], again

    anyio.run(run)
    resources(bench)


@pytest.mark.slow
def test_a_client_that_goes_ends_the_deployment_in_order(bench: Bench) -> None:
    async def run() -> None:
        async with client(bench, "--allow-deploy") as assistant, deploying(bench, assistant, "left") as group:
            group.cancel_scope.cancel()
        await to_its_end(bench)

    anyio.run(run)
    resources(bench)


@pytest.mark.slow
def test_a_server_that_is_killed_leaves_the_cli_to_its_end(bench: Bench) -> None:
    async def run() -> None:
        async with (
            client(bench, "--allow-deploy") as assistant,
            deploying(bench, assistant, "killed") as group,
        ):
            for pid in servers(bench):
                os.kill(pid, signal.SIGKILL)
            group.cancel_scope.cancel()
        await to_its_end(bench)

    with suppress(Exception):  # the connection's, which was cut
        anyio.run(run)
    anyio.run(to_its_end, bench)
    assert "killed" in resources(bench), "the update went on to its end"


@asynccontextmanager
async def deploying(bench: Bench, assistant: Client, name: str) -> AsyncIterator[TaskGroup]:
    """A project is being added: the CLI holds the stack's lock."""
    write(bench, name)
    plan = (await call(assistant, "preview"))["plan_id"]
    approve(bench, plan)
    assert locks(bench) == []

    async def deploy() -> None:
        with suppress(MCPError):
            await assistant.call_tool("deploy", {"plan_id": plan})

    async with anyio.create_task_group() as group:
        group.start_soon(deploy)
        with anyio.fail_after(60):
            while not locks(bench):
                await anyio.sleep(0.02)
        yield group


def last(bench: Bench) -> dict[str, Any]:
    """What the server remembers of the last deployment."""
    (file,) = (bench.folder / "own" / "codeb").glob(f"last-{STACK}-*.json")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


async def to_its_end(bench: Bench) -> None:
    """Wait until no CLI works on the stack, and look for its lock."""
    with anyio.fail_after(60):
        while locks(bench):
            await anyio.sleep(0.1)
    await anyio.sleep(0.5)


def servers(bench: Bench) -> list[int]:
    """The processes of `codeb mcp` in the bench's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").readlink() == bench.program.folder
        except OSError:
            continue
        if here and b"mcp" in words:
            found.append(int(process.name))
    return found


def test_diff_says_the_plan_and_its_end(bench: Bench) -> None:
    write(bench, "different")
    done = subprocess.run(
        [CODEB, "diff", "--stack", STACK], cwd=bench.program.folder, env={**os.environ, **bench.environment()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "create" in done.stdout
    plan = done.stdout.splitlines()[-1].removeprefix("plan ")
    assert plans.find(plan) is not None


def previews(pid: int) -> bool:
    """Whether this process has had the CLI begin a preview."""
    try:
        if b"preview" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return True
        threads = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it has ended meanwhile
        return False
    return any(previews(int(child)) for found in threads for child in found)


@pytest.mark.slow
def test_diff_interrupted_ends_in_order(bench: Bench) -> None:
    environment = {**os.environ, **bench.environment()}
    with subprocess.Popen(
        [CODEB, "diff", "--stack", STACK, "--json"], cwd=bench.program.folder, env=environment,
        stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as child:  # fmt: skip
        while child.poll() is None and not previews(child.pid):
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    assert child.returncode == 1, out
    assert json.loads(out)["interrupted"] is True
    assert locks(bench) == []


def test_stdout_is_the_protocol_s_alone(bench: Bench) -> None:
    """What is no message is answered with an error or not at all; nothing else is ever printed there."""
    lines = [
        b"\xff\xfe\n",
        b"not json\n",
        b"[]\n",
        b'{"jsonrpc":"2.0"}\n',
        b"\0\n",
        b'{"a":' * 10_000 + b"\n",
    ]
    done = subprocess.run(
        [CODEB, "mcp", "--stack", STACK], cwd=bench.program.folder, env={**os.environ, **bench.environment()},
        input=b"".join(lines), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"
    assert sys.getsizeof(done.stderr) < 100_000
