"""`make lab` builds the apps in `apps/`, and asks the stack to run what came of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from codeb.model import (
    Settings,
    load_manifests,
    parse_request,
    parse_settings,
    read_sources,
    read_stack_values,
)
from codeb.plan import merged
from lab import own_apps, paths
from lab.host import Lab, LabError
from lab.host.progress import Progress
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack

DIGEST = "sha256:" + "a1" * 32
REGISTRY = "registry.lab.test:5000"
VARIABLE = "CODEB_REQUEST"


@dataclass
class FakeLab:
    """Builds nothing, and says so; `broken` is the app whose build fails, `built` what was pushed as it is now, `moved`
    whose tags were another image's. Of the repository's own apps only what was asked for counts."""

    broken: str = ""
    built: Mapping[str, str] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    pushed: list[tuple[Path, str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def progress(self) -> Progress:
        return Progress(self.said.append)

    def push_app(self, source: Path, name: str, tag: str) -> str:
        if name == self.broken:
            raise LabError(
                "npm run build failed with status 1; end of apps.log:\n    src/app/page.tsx:3", "again"
            )
        if not name.startswith("codeb/"):
            self.pushed.append((source, name, tag))
        return DIGEST

    def pushed_app(self, source: Path, name: str, tag: str) -> str | None:
        return self.built.get(f"{name}:{tag}", DIGEST if name.startswith("codeb/") else None)

    def moved_tag(self, name: str, tag: str) -> bool:
        return name in self.moved


@pytest.fixture(autouse=True)
def _nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """The dev stack's settings, with the repository's manifests."""
    (tmp_path / "Pulumi.dev.yaml").write_text((paths.REPO / "Pulumi.dev.yaml").read_text())
    (tmp_path / "manifests").mkdir()
    for path in (paths.REPO / "manifests").iterdir():
        (tmp_path / "manifests" / path.name).write_text(path.read_text())
    home = Home(tmp_path / "home", stand_ins=True)
    return Stack(
        tmp_path,
        "dev",
        home,
        tmp_path / "settings",
        tmp_path / "state",
        tmp_path / "passphrase",
        {"OTHER": "1"},
    )


def add(stack: Stack, project: str, image: str, *folders: str) -> None:
    text = f'project: {{id: {project}}}\nenvironment: {{domain: {project}.lab.test, image: "{image}"}}\n'
    (stack.project / "manifests" / f"{project}.yaml").write_text(text)
    for name in folders:
        folder = stack.project / "apps" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text("{}")


def settings(stack: Stack) -> Settings:
    return parse_settings(read_stack_values(stack.project / "Pulumi.dev.yaml"), "dev")


def pushed(lab: FakeLab, stack: Stack) -> Stack:
    return own_apps.pushed(cast(Lab, lab), stack, stack.project / "apps")


def foreseen(lab: FakeLab, stack: Stack) -> Stack:
    return own_apps.foreseen(cast(Lab, lab), stack, stack.project / "apps")


def images(stack: Stack) -> Any:
    return json.loads(stack.variables[VARIABLE])["images"]


def test_an_app_is_built_and_its_digest_asked_for(stack: Stack) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    lab = FakeLab()
    found = pushed(lab, stack)
    assert lab.pushed == [(stack.project / "apps" / "demo-app", "apps/demo-app", "1.0.0")]
    assert images(found) == {"demo-app": f"{REGISTRY}/apps/demo-app@{DIGEST}"}
    assert found.environment()["OTHER"] == "1"
    assert found.environment()[VARIABLE] == found.variables[VARIABLE]


def test_the_program_runs_what_was_built_and_keeps_it(stack: Stack) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    asked = parse_request(pushed(FakeLab(), stack).variables[VARIABLE])
    manifests = load_manifests(read_sources(stack.project / "manifests"), settings(stack))
    run = merged(manifests, settings(stack), None, asked)
    assert run.manifests["demo-app"].environment.image == f"{REGISTRY}/apps/demo-app@{DIGEST}"
    assert run.manifests["blog"].environment.image == manifests["blog"].environment.image
    assert run.kept.images["demo-app"].instead_of == f"{REGISTRY}/apps/demo-app:1.0.0"


def test_two_projects_may_run_one_app(stack: Stack) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    add(stack, "demo-staging", f"{REGISTRY}/apps/demo-app:1.0.0")
    add(stack, "demo-next", f"{REGISTRY}/apps/demo-app:2.0.0")
    lab = FakeLab()
    found = pushed(lab, stack)
    assert sorted((name, tag) for _, name, tag in lab.pushed) == [
        ("apps/demo-app", "1.0.0"),
        ("apps/demo-app", "2.0.0"),
    ]
    assert set(images(found)) == {"demo-app", "demo-staging", "demo-next"}


@pytest.mark.parametrize(
    "image",
    [
        f"{REGISTRY}/apps/other:1.0.0",
        f"{REGISTRY}/codeb/demo-app:1.0.0",
        f"{REGISTRY}/apps/demo-app@{DIGEST}",
        f"{REGISTRY}/apps/demo-app/more:1.0.0",
        "ghcr.io/apps/demo-app:1.0.0",
        f"{REGISTRY}/apps/empty:1.0.0",
    ],
)
def test_other_images_are_nobody_s_business_here(stack: Stack, image: str) -> None:
    add(stack, "demo-app", image, "demo-app")
    (stack.project / "apps" / "empty").mkdir()
    lab = FakeLab()
    assert pushed(lab, stack) is stack
    assert lab.pushed == []


def test_without_apps_a_run_asks_for_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, '{"version": 1, "unpin": ["blog"]}')
    assert pushed(FakeLab(), stack) is stack, "what the caller asks for is in the environment as it was"


def test_what_the_caller_asks_for_stays_and_counts(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for project in ("one-app", "two-app", "three-app"):
        add(stack, project, f"{REGISTRY}/apps/{project}:1.0.0", project)
    theirs = f"{REGISTRY}/apps/one-app@sha256:{'0' * 64}"
    asked = {
        "version": 1,
        "images": {"one-app": theirs},
        "unpin": ["two-app"],
        "previews": {"close": ["shop-pr-1"]},
    }
    monkeypatch.setenv(VARIABLE, json.dumps(asked))
    found = json.loads(pushed(FakeLab(), stack).variables[VARIABLE])
    assert found == {
        **asked,
        "images": {"one-app": theirs, "three-app": f"{REGISTRY}/apps/three-app@{DIGEST}"},
    }


@pytest.mark.parametrize("text", ["{", '{"images": {}}', "[]"])
def test_a_request_that_is_wrong_is_left_to_the_run_to_refuse(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    monkeypatch.setenv(VARIABLE, text)
    assert pushed(FakeLab(), stack) is stack


def test_nothing_is_built_while_manifests_are_wrong(stack: Stack) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    (stack.project / "manifests" / "broken.yaml").write_text("project: {id: broken}\n")
    lab = FakeLab()
    assert pushed(lab, stack) is stack
    assert lab.pushed == []


def test_a_build_that_fails_says_which_app_what_and_what_to_do(stack: Stack) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    with pytest.raises(LabError) as caught:
        pushed(FakeLab(broken="apps/demo-app"), stack)
    assert "apps/demo-app can't be built: npm run build failed" in caught.value.cause
    assert "src/app/page.tsx:3" in caught.value.cause
    assert (
        "put it right in apps/demo-app and run `make lab` again. Nothing was deployed" in caught.value.remedy
    )


def test_a_preview_builds_nothing_and_says_so(stack: Stack) -> None:
    add(stack, "demo-app", f"{REGISTRY}/apps/demo-app:1.0.0", "demo-app")
    add(stack, "tea-app", f"{REGISTRY}/apps/tea-app:1.0.0", "tea-app")
    lab = FakeLab(built={"apps/tea-app:1.0.0": DIGEST})
    found = foreseen(lab, stack)
    assert images(found) == {"tea-app": f"{REGISTRY}/apps/tea-app@{DIGEST}"}
    assert lab.pushed == []
    assert lab.said == [
        "lab: apps/demo-app isn't built as it is now: `make lab` builds it, and releases what comes of it"
    ]


@pytest.mark.parametrize("ask", [pushed, foreseen], ids=["up", "preview"])
def test_an_edited_template_reaches_those_who_run_it(
    stack: Stack, ask: Callable[[FakeLab, Stack], Stack]
) -> None:
    """Their hosts have an image of that tag, and look for no other."""
    found = ask(FakeLab(moved=("codeb/core-cms",)), stack)
    image = f"{REGISTRY}/codeb/core-cms@{DIGEST}"
    assert images(found) == {"blog": image, "real-estate-app": image}
    assert ask(FakeLab(), stack) is stack, "one image of a tag needs no digest"


@pytest.mark.parametrize("ask", [pushed, foreseen], ids=["up", "preview"])
def test_an_app_that_is_not_there_is_said(stack: Stack, ask: Callable[[FakeLab, Stack], Stack]) -> None:
    add(stack, "tea-shop", f"{REGISTRY}/apps/tea:1.0.0", "tea-shop")
    lab = FakeLab()
    ask(lab, stack)
    assert lab.said == [
        "lab: manifests/tea-shop.yaml runs apps/tea, which has no package.json here: nothing is built for it"
    ]
