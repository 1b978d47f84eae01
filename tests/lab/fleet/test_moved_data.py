"""A project's database at the managed service and back, by the steps of docs/managed-data.md, on booted servers.

The service is the simulated Vultr's: a PostgreSQL with an address and an authority of its own, whose administrator is no
superuser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from managed import POOLS, settings, told

from lab import apps
from lab.fleet.production import PATIENT, Production, fresh

pytestmark = [pytest.mark.lab, pytest.mark.slow]

DOMAIN = "shop.lab.test"
ITEM = 1
SHOP = {
    "project": {"id": "shop"},
    "environment": {"domain": DOMAIN, "image": apps.PROBE.image},
    "monitoring": {"health": {"interval": "500ms", "start_timeout": "60s", **PATIENT}},
}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """An app server, a data server, a project that stores orders."""
    with fresh(tmp_path_factory.mktemp("moved")) as found:
        settings(found, {"codeb:pools": POOLS})
        apps.PROBE.push(found.cloud.lab)
        found.write("shop", SHOP)
        found.begin()
        found.waits_for({DOMAIN: "/api/health"})
        yield found


def service(production: Production, **more: Any) -> None:
    """What the stack's file says of the service, then an update."""
    postgres = {"plan": "vultr-dbaas-business-cc-1-55-2", "version": "16", **more}
    settings(production, {"codeb:managed": {"postgres": postgres}})
    production.up()


def orders(production: Production) -> int:
    return int(production.ask(DOMAIN, "/api/orders").json()["count"])


def order(production: Production, reference: str) -> None:
    body = {"item_id": ITEM, "quantity": 2, "reference": reference}
    answer = production.ask(DOMAIN, "/api/orders", body)
    assert answer.status in ("200", "201"), answer


def move(production: Production, *words: str) -> dict[str, Any]:
    done = production.edits("move-data", "shop", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def where(production: Production) -> str:
    """The host and port in the app's own settings, as its container has them."""
    return urlsplit(told(production, "shop", "DATABASE_URL")).netloc.rpartition("@")[2]


def test_there_and_back_by_the_documented_steps_with_all_that_was_written(production: Production) -> None:
    for number in range(20):
        order(production, f"before-{number}")
    here = where(production)
    service(production, prepared=["shop"])
    (database,) = production.cloud.account.content()["databases"].values()
    ca = production.cloud.machines.authority(database["id"]).read_text()
    service(production, prepared=["shop"], ca=ca)
    assert move(production, "--to", "managed", "--dry-run")["dry_run"]
    assert where(production) == here

    there = move(production, "--to", "managed")
    assert there["rows"] >= 20
    production.waits_for({DOMAIN: "/api/health"})
    assert where(production) == f"{database['_host']}:{database['_port']}"
    assert orders(production) == 20
    for number in range(10):
        order(production, f"there-{number}")
    production.up("--expect-no-changes")

    back = move(production, "--to", "here")
    assert back["rows"] >= 30
    production.waits_for({DOMAIN: "/api/health"})
    assert where(production) == here
    assert orders(production) == 30
    move(production, "--forget")
    assert orders(production) == 30
    print(f"closed for {there.get('closed_s')} s and {back.get('closed_s')} s")
