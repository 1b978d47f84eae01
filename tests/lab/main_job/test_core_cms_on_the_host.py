"""An app that `codeb new` made, on the lab host: its own tests in a browser, and releases under somebody's clicks."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stack import ADDRESS, Stack, get

from lab import browser, own_apps
from lab.apps import FOOD
from lab.bench.releases.clicks import Clicks
from lab.host import Progress
from lab.host.paths import Folders
from lab.images import toolchains
from lab.images.registry import NAME as REGISTRY

ID = "demo-app"
URL = f"https://{ID}.lab.test"
GUESTS = 10
"""How many people sign up in all of the app's tests (tests/e2e/setup.ts of the template)."""
EXPAND = "prisma/examples/expand-and-contract/1-expand"
MIGRATION = "20990101000000_expand"


@dataclass(frozen=True)
class Made:
    """The app's folder, and the environment in which its tools run."""

    folder: Path
    tools: dict[str, str]

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        environment = {**os.environ, **self.tools, **more}
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def made(stack: Stack) -> Iterator[Made]:
    """As `codeb new demo-app` and `make lab` leave it, with its packages installed for its tests."""
    if browser.found() is None:
        pytest.skip("needs Chromium (Debian's package chromium or chromium-headless-shell)")
    folders = Folders.here()
    cache = {"npm_config_cache": str(folders.cache / "npm"), "NEXT_TELEMETRY_DISABLED": "1"}
    found = Made(stack.folder / "apps" / ID, {**toolchains.node(folders, Progress()), **cache})
    new = stack.codeb("new", ID, "--name", "Demo App")
    assert new.returncode == 0, new.stdout + new.stderr
    released(stack, found, "1.0.0")
    installed = found.start("npm", "install", "--no-save", "--no-audit", "--no-fund")
    said = installed.communicate()[0]
    assert installed.returncode == 0, said
    yield found
    stack.remove(ID)
    assert stack.up().status == 0
    shutil.rmtree(found.folder)


def released(stack: Stack, app: Made, tag: str) -> None:
    """The app as its folder is now, released under this tag."""
    stack.lab.push_app(app.folder, f"apps/{ID}", tag)
    manifest = stack.manifest(ID)
    manifest["environment"]["image"] = f"{REGISTRY}/apps/{ID}:{tag}"
    manifest["project"]["lifecycle"] = "destroy"  # the next run begins with none of its content
    stack.write(ID, manifest)
    done = stack.up()
    assert done.status == 0, done.text


def invitations(stack: Stack, first: int, count: int, project: str = ID, url: str = URL) -> str:
    """Links by which guests sign up, one a line."""

    def link(number: int) -> str:
        address = f"guest-{number}-{time.time_ns()}@example.com"
        words = ("node", "invite.cjs", "--role", "admin", address)
        said = stack.codeb("exec", project, "--", *words)
        assert said.returncode == 0, said.stdout + said.stderr
        [found] = [line for line in said.stdout.splitlines() if line.startswith(url)]
        return found.strip()

    return "\n".join(link(first + number) for number in range(count))


def at_the_app(links: str) -> dict[str, str]:
    return {"E2E_URL": URL, "E2E_INVITES": links, "E2E_RESOLVE": browser.rules(["*.lab.test"], ADDRESS)}


@pytest.mark.slow
def test_an_app_that_codeb_new_made_is_one_of_the_stack_s_own(stack: Stack, made: Made) -> None:
    health = get(f"{URL}/api/health").json()
    services = {name: health[name] for name in ("status", "database", "cache", "storage")}
    assert set(services.values()) == {"ok"}, health
    found = get(f"{URL}/api/restaurants").json()
    assert 0 < len(found["restaurants"]) <= found["total"], "in the lab a new app has some content"
    assert [app.projects for app in own_apps.own_apps(stack.pulumi, made.folder.parent)] == [(ID,)]


@pytest.mark.slow
def test_the_app_s_own_tests_pass_in_a_browser_through_caddy(stack: Stack, made: Made) -> None:
    run = made.start("npx", "playwright", "test", "journey", **at_the_app(invitations(stack, 0, GUESTS)))
    said = run.communicate()[0]
    assert run.returncode == 0, said


@pytest.mark.slow
def test_releases_a_migration_and_a_rollback_are_nothing_to_who_clicks_on(
    stack: Stack, made: Made, tmp_path: Path
) -> None:
    until = tmp_path / "until"
    links = invitations(stack, GUESTS, 1)
    words = ("npx", "playwright", "test", "clicks", "--project", "desktop")
    clicking = made.start(*words, E2E_UNTIL=str(until), **at_the_app(links))
    try:
        rounds(clicking, until, 2)
        shutil.copytree(made.folder / EXPAND, made.folder / "prisma" / "migrations" / MIGRATION)
        released(stack, made, "1.1.0")
        assert rounds(clicking, until, 2)[-1] == "1.1.0"
        back = stack.codeb("rollback", ID)
        assert back.returncode == 0, back.stdout + back.stderr
        assert rounds(clicking, until, 2)[-1] == "1.0.0"
    finally:
        until.touch()
        said = clicking.communicate(timeout=120)[0]
        print(said)
    assert clicking.returncode == 0, said
    database = stack.entry(ID)["database"]["name"]
    done = "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL"
    assert MIGRATION in stack.sql(done, database).split()


def rounds(clicking: subprocess.Popen[str], until: Path, more: int) -> tuple[str, ...]:
    """Waits until whoever clicks has been round so many times more, and returns which versions answered him, in order."""
    met = Clicks(until.with_name(f"{until.name}.seen"))
    start, end = met.look(), time.monotonic() + 180
    while met.look() < start + more:
        assert clicking.poll() is None, "whoever clicked met something"
        assert time.monotonic() < end, f"nobody clicks: {met}"
        time.sleep(0.5)
    return met.versions


@pytest.mark.slow
def test_a_customer_of_the_example_follows_the_courier(stack: Stack, made: Made) -> None:
    example = Made(FOOD.sources, made.tools)
    if not (example.folder / "node_modules").exists():
        shutil.copytree(made.folder / "node_modules", example.folder / "node_modules", symlinks=True)
    links = invitations(stack, 0, 2, "food-delivery-app", "https://food.lab.test")
    wanted = {**at_the_app(links), "E2E_URL": "https://food.lab.test"}
    run = example.start("npx", "playwright", "test", "orders", **wanted)
    said = run.communicate()[0]
    assert run.returncode == 0, said
