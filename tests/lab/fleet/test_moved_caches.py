"""A project's cache at Vultr's Valkey and back, by the steps of docs/managed-data.md, on booted servers.

The service is the simulated Vultr's: a real Valkey with an address and an authority of its own, whose users have the rules
that the program gave them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from managed import POOLS, settings, told

from lab import apps
from lab.fleet.production import PATIENT, Production, fresh
from lab.host import LabError

pytestmark = [pytest.mark.lab, pytest.mark.slow]

DOMAIN = "blog.lab.test"
BLOG = {
    "project": {"id": "blog"},
    "environment": {
        "domain": DOMAIN,
        "image": apps.CORE_CMS.image,
        "variables": {"APP_DATASET": "posts", "APP_SEED": "demo"},
    },
    "features": {"release_command": ["node", "migrate.cjs"]},
    "monitoring": {"health": {"interval": "500ms", "start_timeout": "60s", **PATIENT}},
}
CHANGED = {"APP_DATASET": "posts", "APP_SEED": "demo", "APP_TITLE": "Another"}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """An app server, a data server, and an app from the template, which keeps lists and sessions in its cache."""
    with fresh(tmp_path_factory.mktemp("caches")) as found:
        settings(found, {"codeb:pools": POOLS})
        apps.CORE_CMS.push(found.cloud.lab)
        found.write("blog", BLOG)
        found.begin()
        found.waits_for({DOMAIN: "/api/health"})
        yield found


def valkey(production: Production, *projects: str, **more: Any) -> str:
    """What the stack's file says of the service, then an update."""
    plan = "vultr-dbaas-business-rp-intel-1-12-2"
    settings(
        production,
        {"codeb:managed": {"valkey": {"plan": plan, "version": "8.1", "projects": [*projects], **more}}},
    )
    return production.up("--suppress-outputs")


def where(production: Production) -> tuple[str, ...]:
    return tuple(told(production, "blog", name) for name in ("REDIS_HOST", "REDIS_PORT", "REDIS_TLS"))


def cached(production: Production) -> bool:
    """Whether the second of two equal questions is answered from the cache, and its health check says so, too."""
    production.waits_for({DOMAIN: "/api/health"})
    production.ask(DOMAIN, "/api/posts")
    health = production.ask(DOMAIN, "/api/health").json()
    return bool(production.ask(DOMAIN, "/api/posts").json()["cached"]) and health["cache"] == "ok"


def test_there_and_back_by_the_documented_steps_while_the_app_finds_its_cache(production: Production) -> None:
    here = where(production)
    assert here[2] == ""
    assert cached(production)

    with pytest.raises(LabError, match=r"into codeb:managed\.valkey\.ca, then `pulumi up`"):
        valkey(production, "blog")
    assert where(production) == here
    assert cached(production)
    (service,) = production.cloud.account.content()["databases"].values()

    ca = production.cloud.machines.authority(service["id"]).read_text()
    valkey(production, "blog", ca=ca)
    there = (service["_host"], str(service["_port"]), "true")
    assert where(production) == there
    assert cached(production)
    assert "blog" in service["_users"]
    production.up("--expect-no-changes")

    assert "valkey-0 stays, and is charged, for a rollback of blog" in valkey(production, ca=ca)
    assert where(production) == here
    assert cached(production)
    rolled_back_and_forth(production, there, here)
    production.write("blog", {**BLOG, "environment": BLOG["environment"] | {"variables": CHANGED}})
    production.up()
    assert where(production) == here
    assert "valkey-0 goes" in production.up()
    assert not production.cloud.account.content()["databases"]
    assert cached(production)
    production.up("--expect-no-changes")


def rolled_back_and_forth(production: Production, there: tuple[str, ...], here: tuple[str, ...]) -> None:
    for place, words in ((there, ()), (here, ("--forward",))):
        production.codeb("rollback", "blog", *words)
        assert where(production) == place
        assert cached(production)
