"""How the programs of monitoring are built: once a recipe, of pinned modules, none of which forbids it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import store
from lab.images.monitoring import programs
from lab.images.monitoring.programs import BUILDS, PROGRAMS, Build

AGPL = (
    "github.com/grafana/loki",
    "github.com/grafana/grafana",
    "github.com/grafana/tempo",
    "github.com/grafana/mimir",
)
LACKING = "github.com/prometheus/alertmanager@v0.35.0"


class Go:
    """Stands in for the command: remembers how it was called and writes what it was asked for."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.calls: list[list[str]] = []

    def build(
        self, line: Sequence[str], _log: Path, *, env: Mapping[str, str], cwd: Path, what: str = ""
    ) -> None:
        assert env["GOMODCACHE"] == str(self.cache)
        assert (cwd / "go.mod").is_file(), what
        self.calls.append([str(word) for word in line])
        if "-o" in line:
            Path(line[line.index("-o") + 1]).write_text("program")


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    found = Go(tmp_path / "mod")
    (found.cache / LACKING / "ui").mkdir(parents=True)
    (found.cache / LACKING / "ui" / "web.go").write_text("package ui")
    (found.cache / LACKING / "ui").chmod(0o555)  # as Go leaves it
    monkeypatch.setattr("lab.host.commands.build", found.build)
    monkeypatch.setattr("lab.images.toolchains.go", lambda *_: {"GOMODCACHE": str(found.cache)})
    return found


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(lab=tmp_path / "lab", cache=tmp_path / "cache")


@pytest.fixture
def progress() -> Progress:
    return Progress(lambda _line: None)


def test_a_program_is_built_of_its_pinned_module_once(go: Go, folders: Folders, progress: Progress) -> None:
    folders.cache.mkdir()
    found = programs.program("promtool", folders, progress)
    assert found.read_text() == "program"
    assert programs.program("prometheus", folders, progress).parent == found.parent
    lines = [call for call in go.calls if "build" in call]
    assert [line[-1].rpartition("/")[2] for line in lines] == ["prometheus", "promtool"]
    for line in lines:
        assert "-mod=readonly" in line, "a build may not take other versions than those pinned"
        assert any(f"Version={PROGRAMS['promtool'].version}" in word for word in line)


def test_a_module_that_lacks_files_is_built_of_a_copy_that_has_them(
    go: Go, folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.cache.mkdir()
    copies: list[Path] = []
    original = go.build

    def build(line: Sequence[str], log: Path, *, env: Mapping[str, str], cwd: Path, what: str = "") -> None:
        original(line, log, env=env, cwd=cwd, what=what)
        for word in line:
            if word.startswith("-modfile="):
                copy = Path(word.partition("=")[2]).parent / "module"
                assert (copy / "ui/web.go").is_file()
                assert (copy / "ui/app/dist/elm/index.html").is_file()
                copies.append(copy)

    monkeypatch.setattr("lab.host.commands.build", build)
    amtool = programs.program("amtool", folders, progress)
    assert len(copies) == 2
    assert sorted(os.listdir(amtool.parent)) == ["alertmanager", "amtool"], "nothing of the copy is left"
    assert not (go.cache / LACKING / "ui/app").exists(), "Go's own cache was changed"


def test_a_changed_module_changes_what_is_made_of_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(programs.HERE / "go", tmp_path / "go")
    monkeypatch.setattr(programs, "HERE", tmp_path)
    base = Path("base-1.tar")
    before = {image.name: image.recipe(base) for image in store.MONITORING}
    with (tmp_path / "go" / "jaeger" / "go.sum").open("a") as pins:
        pins.write("\n")
    after = {image.name: image.recipe(base) for image in store.MONITORING}
    assert [name for name in before if before[name] != after[name]] == ["jaeger"]


@pytest.mark.parametrize("change", [{"version": "1"}, {"tags": ("x",)}, {"packages": {"jaeger": "x"}}])
def test_a_changed_way_to_build_is_another_recipe(change: dict[str, object]) -> None:
    build = BUILDS["jaeger"]
    changed: Build = replace(build, **change)  # type: ignore[arg-type]
    assert changed.recipe != build.recipe


def test_nothing_is_built_whose_licence_would_bind_those_who_use_the_lab() -> None:
    for build in BUILDS.values():
        needed = (build.module / "go.mod").read_text().split()
        assert [module for module in AGPL if any(word == module for word in needed)] == []


def test_each_image_of_monitoring_is_of_the_version_that_is_built() -> None:
    assert {image.name: image.tag for image in store.MONITORING} == {
        build.name: build.version for build in BUILDS.values()
    }
    assert all(image.is_built for image in store.MONITORING)


def test_all_modules_of_the_collector_are_of_one_release() -> None:
    """The stable ones have a number of their own, which is the same for each.

    `forward` is older, as the module proxy has no 0.160.0 of it: what it does is to call what comes behind it.
    """
    pinned = (line.split() for line in (BUILDS["collector"].module / "go.mod").read_text().splitlines())
    ours = ("go.opentelemetry.io/collector/", "github.com/open-telemetry/opentelemetry-collector-contrib/")
    found = {words[0]: words[1] for words in pinned if words and words[0].startswith(ours)}
    assert found.pop("go.opentelemetry.io/collector/connector/forwardconnector") == "v0.155.0"
    versions = set(found.values())
    assert versions == {f"v{BUILDS['collector'].version}", "v1.66.0"}
