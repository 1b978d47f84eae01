"""What the release benchmark releases: its apps, their tags, and the project's manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from codeb.model.loader import ManifestSource, load_manifests
from lab import paths
from lab.bench.releases.apps import APPS, DOMAIN, PROJECT
from lab.bench.releases.stack import Stack
from lab.host import HostInfo, Lab

each_app = pytest.mark.parametrize("name", APPS)


@each_app
def test_tags_take_turns_and_name_the_sources(name: str) -> None:
    app = APPS[name]
    first, second, third = (app.tagged(number).tag for number in range(3))
    assert first == third
    assert first != second
    assert first.partition("-")[2] == second.partition("-")[2]


def test_apps_differ_in_image_and_sources() -> None:
    assert len({app.app.name for app in APPS.values()}) == len(APPS)
    assert len({app.tagged(0).tag for app in APPS.values()}) == len(APPS)


@each_app
def test_the_manifest_is_valid_beside_those_of_the_repository(name: str) -> None:
    files = sorted((paths.REPO / "manifests").glob("*.yaml"))
    others = [ManifestSource(path.name, path.read_text()) for path in files]
    ours = ManifestSource(f"{PROJECT}.yaml", yaml.safe_dump(APPS[name].manifest(1)))
    found = load_manifests([*others, ours])[PROJECT]
    assert found.environment.image == APPS[name].tagged(1).image


@each_app
def test_nothing_of_the_project_outlives_its_manifest(name: str) -> None:
    assert APPS[name].manifest(0)["project"]["lifecycle"] == "destroy"


def test_an_app_s_own_sections_are_part_of_its_manifest() -> None:
    sections = {"environment": {"variables": {"SEED": "rows"}}, "features": {"release_command": ["migrate"]}}
    found = replace(APPS["bench-app"], sections=sections).manifest(3)
    assert found["environment"]["variables"] == {"SEED": "rows", "RELEASE": "3"}
    assert found["features"] == {"max_upload": "64Mi", "release_command": ["migrate"]}


@each_app
def test_visitors_ask_what_the_app_has(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lab, "info", lambda self, host: HostInfo(host, "10.77.0.2", "", tmp_path))
    target = Stack(tmp_path, Lab.here(), APPS[name]).target
    assert (target.host, target.surface) == (DOMAIN, APPS[name].surface)


@each_app
def test_two_releases_differ_in_the_tag_and_one_variable(name: str) -> None:
    first, second = (APPS[name].manifest(number) for number in range(2))
    for one in (first, second):
        del one["environment"]["image"]
        del one["environment"]["variables"]["RELEASE"]
    assert first == second


@each_app
def test_lock_files_name_no_registry(name: str) -> None:
    lock = json.loads((APPS[name].app.sources / "package-lock.json").read_text())
    assert [path for path, package in lock["packages"].items() if "resolved" in package] == []


def test_the_light_app_pins_the_versions_of_the_heavy_one() -> None:
    heavy, light = (
        json.loads((APPS[name].app.sources / "package.json").read_text())["dependencies"]
        for name in ("core-cms", "bench-app")
    )
    both = heavy.keys() & light.keys()
    assert "pg" in both
    assert {package: light[package] for package in both} == {package: heavy[package] for package in both}
