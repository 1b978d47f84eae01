"""What the release benchmark releases: its apps, their tags, and the project's manifest."""

from __future__ import annotations

import json

import pytest
import yaml

from codeb.model.loader import ManifestSource, load_manifests
from lab import paths
from lab.bench.releases.stack import APPS, PROJECT, manifest, sources, tag_of

each_app = pytest.mark.parametrize("name", APPS)


@each_app
def test_tags_take_turns_and_name_the_sources(name: str) -> None:
    app = APPS[name]
    first, second, third = (tag_of(app, number) for number in range(3))
    assert first == third
    assert first != second
    assert first.partition("-")[2] == second.partition("-")[2]


def test_apps_differ_in_image_and_sources() -> None:
    assert len({app.name for app in APPS.values()}) == len(APPS)
    assert len({tag_of(app, 0) for app in APPS.values()}) == len(APPS)


@each_app
def test_the_manifest_is_valid_beside_those_of_the_repository(name: str) -> None:
    files = sorted((paths.REPO / "manifests").glob("*.yaml"))
    others = [ManifestSource(path.name, path.read_text()) for path in files]
    ours = ManifestSource(f"{PROJECT}.yaml", yaml.safe_dump(manifest(APPS[name], 1)))
    found = load_manifests([*others, ours])[PROJECT]
    assert found.environment.image.endswith(tag_of(APPS[name], 1))


def test_nothing_of_the_project_outlives_its_manifest() -> None:
    assert manifest(APPS["bench-app"], 0)["project"]["lifecycle"] == "destroy"


@each_app
def test_two_releases_differ_in_the_tag_and_one_variable(name: str) -> None:
    first, second = (manifest(APPS[name], number) for number in range(2))
    for one in (first, second):
        del one["environment"]["image"]
        del one["environment"]["variables"]["RELEASE"]
    assert first == second


@each_app
def test_lock_files_name_no_registry(name: str) -> None:
    lock = json.loads((sources(APPS[name]) / "package-lock.json").read_text())
    assert [path for path, package in lock["packages"].items() if "resolved" in package] == []


def test_the_light_app_pins_the_versions_of_the_demo_app() -> None:
    demo, light = (
        json.loads((sources(APPS[name]) / "package.json").read_text())["dependencies"]
        for name in ("core-cms", "bench-app")
    )
    assert light == {package: demo[package] for package in light}
