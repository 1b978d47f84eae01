"""A pool that scales itself under real load: Prometheus has seen it, `codeb autoscale` brings a server, visitors get it.

All servers of the lab are on one machine, and each measures the whole machine's processors.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from visiting import shop

from lab import apps
from lab.fleet import shape
from lab.fleet.production import Production, fresh
from lab.images.store import MONITORING
from lab.load import Load, Shape, Target

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SETTINGS: dict[str, Any] = {
    "codeb:pools": [
        {
            "name": "default",
            "roles": ["app", "edge"],
            "plan": "vc2-6c-16gb",
            "autoscale": {"min": 2, "max": 3, "window": "2m", "coolDown": "2m"},
        },
        {"name": "data", "roles": ["data", "monitoring"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"},
    ],
    "codeb:monitoring": {"grafana": False},
}
LOAD = Shape(rate=150, sockets=5, events=0, upload_seconds=0)
PATIENCE_S = 900
LOOKS_EVERY_S = 20


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Two app servers that may become three, watched by the data server."""
    with fresh(tmp_path_factory.mktemp("scaled")) as found:
        path = found.folder / shape.SETTINGS.name
        settings = yaml.safe_load(path.read_text())
        settings["config"] |= SETTINGS
        for image in MONITORING:
            settings["config"]["codeb:images"][image.name] = found.cloud.lab.image(image)
        path.write_text(yaml.safe_dump(settings))
        apps.PROBE.push(found.cloud.lab)
        found.write("shop", shop() | {"servers": {"replicas": "all"}})
        found.begin()
        yield found


def test_load_brings_a_server_which_answers_and_the_next_update_keeps_it(scaled: Production) -> None:
    scaled.waits_for({"shop.lab.test": "/api/health"})
    entry = scaled.cloud.entry()
    assert entry
    with Load(Target("shop.lab.test", entry, scaled.authority), LOAD, scaled.cloud.lab) as load:
        looks = until_done(scaled)
        scaled.waits_for({"shop.lab.test": "/api/health"})
    assert "above 70 %" in looks[-1], looks
    assert all("above 70 %" not in look for look in looks[:-1]), "the first that is above for a window acts"
    print(f"{len(load.result.requests)} requests, failed: {dict(load.result.failures)}")
    assert [each.name for each in scaled.cloud.servers()] == ["app-1", "app-2", "app-3", "data-1"]
    (pool,) = scaled.outputs()["registry"]["pools"].values()
    assert (pool["count"], pool["start"]) == (3, 2)
    assert "above 70 %" in pool["reason"]
    assert scaled.project("app-3", "shop")["active"]
    scaled.up("--expect-no-changes")


def until_done(scaled: Production) -> list[str]:
    """What each look said its reason is, until one brought a server."""
    reasons = []
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        done = scaled.asked("autoscale", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        (pool,) = json.loads(done.stdout)["pools"]
        reasons.append(str(pool["reason"]))
        if pool["act"] == "add":
            return reasons
        time.sleep(LOOKS_EVERY_S)
    raise AssertionError(f"nothing came: {reasons}")
