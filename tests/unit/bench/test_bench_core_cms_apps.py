"""What is put beside what: the projects, the bare app's versions, and how a start is timed on the host."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

from codeb.model.loader import ManifestSource, load_manifests
from lab import paths
from lab.apps import CORE_CMS
from lab.bench.core_cms import starting
from lab.bench.core_cms.apps import BARE, CACHED, DIRECT, PLAIN, SUBJECTS
from tests.ports import free_port


def package(folder: str, name: str = "package.json") -> dict[str, Any]:
    return dict(json.loads((paths.REPO / folder / name).read_text()))


def versions(folder: str) -> dict[str, str]:
    found = package(folder)
    return {**found["dependencies"], **found["devDependencies"]}


def test_the_bare_app_has_the_template_s_versions() -> None:
    ours, theirs = versions(BARE.folder), versions(CORE_CMS.folder)
    assert {"next", "react", "react-dom", "typescript"} <= ours.keys()
    assert ours == {name: theirs[name] for name in ours}


def test_its_lock_file_has_them_too() -> None:
    root = package(BARE.folder, "package-lock.json")["packages"][""]
    assert {**root["dependencies"], **root["devDependencies"]} == versions(BARE.folder)


def test_its_list_has_as_many_items_as_core_cms_is_filled_with() -> None:
    seeds = json.loads((paths.REPO / CORE_CMS.folder / "seeds/restaurants.json").read_text())
    text = (paths.REPO / BARE.folder / "src/lib/list.ts").read_text()
    assert re.findall(r"COUNT = (\d+);", text) == [str(len(seeds["items"]))]


def test_all_projects_are_valid_beside_those_of_the_repository() -> None:
    files = sorted((paths.REPO / "manifests").glob("*.yaml"))
    others = [ManifestSource(path.name, path.read_text()) for path in files]
    ours = [ManifestSource(f"{each.project}.yaml", yaml.safe_dump(each.manifest())) for each in SUBJECTS]
    found = load_manifests([*others, *ours])
    assert {found[each.project].environment.domain for each in SUBJECTS} == {each.domain for each in SUBJECTS}
    assert [found[each.project].resources.cache.enabled for each in SUBJECTS] == [False, True, False]
    assert [found[each.project].resources.database.enabled for each in SUBJECTS] == [False, True, True]


def test_nothing_of_them_outlives_its_manifest() -> None:
    for each in SUBJECTS:
        manifest = each.manifest()
        assert manifest["project"]["lifecycle"] == "destroy"
        assert manifest["backup"] == {"enabled": False}


def test_core_cms_with_and_without_a_cache_is_one_image() -> None:
    assert CACHED.image == DIRECT.image != PLAIN.image
    assert CACHED.manifest()["features"] == DIRECT.manifest()["features"]


def test_containers_are_those_of_the_platform() -> None:
    assert CACHED.container("green") == "codeb-bench-cms-green"


class Slow(BaseHTTPRequestHandler):
    """Not well at first."""

    asked = 0

    def do_GET(self) -> None:
        Slow.asked += 1
        self.send_response(503 if Slow.asked < 3 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def test_a_start_lasts_until_the_first_good_answer() -> None:
    port = free_port()
    assert not starting.well("127.0.0.1", port, "/api/health"), "nobody listens"
    server = ThreadingHTTPServer(("127.0.0.1", port), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        starting.until_well("127.0.0.1", port, "/api/health")
    finally:
        server.shutdown()
        server.server_close()
    assert Slow.asked == 3


@pytest.mark.parametrize(("address", "reached"), [("127.0.0.9", "127.0.0.9"), ("", "127.0.0.1")])
def test_the_port_is_the_one_that_podman_publishes(address: str, reached: str) -> None:
    ports = {"3000/tcp": [{"HostIp": address, "HostPort": "3017"}], "9000/tcp": None}
    assert starting.published({"NetworkSettings": {"Ports": ports}}) == (reached, 3017)
