"""Restarts of shared services are foreseen as the agent plans them, and told with those whom they concern."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.bundle.applied import Applied
from agent.bundle.document import read_bundle
from agent.bundle.plan import make_plan
from agent.documents.reader import Reader
from agent.host.ports import Entry
from codeb.changes import bundle_line, bundle_summary, from_comments
from codeb.changes.bundle import reloads, restarts
from codeb.render import host_bundle
from components.told import described
from tests.unit.changes.made import BASE, DIGEST, plan_of

PLAN = plan_of(
    BASE,
    {
        "project": {"id": "shop"},
        "environment": {"domain": "shop.lab.test", "image": "reg.lab:5000/shop:1"},
        "resources": {"database": {"enabled": False}},
    },
)
MARKED = json.dumps(host_bundle(PLAN, PLAN.server("codeb1")))
BUNDLE = json.loads(re.sub(r"@\{secret:[^}]+\}", "A" * 40, MARKED))
PATHS = [file["path"] for file in BUNDLE["files"]]


def other(changed: list[str], gone: list[str] = ()) -> dict[str, Any]:  # type: ignore[assignment]
    """The bundle with other content in some files, and without others."""
    made = copy.deepcopy(BUNDLE)
    made["files"] = [file for file in made["files"] if file["path"] not in gone]
    for file in made["files"]:
        if file["path"] in changed:
            file["content"] += "# changed\n"
    return made


def line(before: dict[str, Any], after: dict[str, Any]) -> str:
    return bundle_line("codeb1", bundle_summary(before, DIGEST), bundle_summary(after, DIGEST), PLAN)


@given(st.lists(st.sampled_from(PATHS), unique=True, max_size=4))
def test_what_is_foreseen_is_what_the_agent_plans(changed: list[str]) -> None:
    wanted = other(changed)
    bundle = read_bundle(Reader(wanted, ""))
    here = {f.path: Entry(f.content, f.mode, f.owner) for f in read_bundle(Reader(BUNDLE, "")).files}
    plan = make_plan(bundle, Applied(files=tuple(PATHS)), here)
    before, after = bundle_summary(BUNDLE, DIGEST), bundle_summary(wanted, DIGEST)
    assert restarts(before, after) == sorted(plan.restart)
    assert sorted(set(reloads(before, after)) - set(plan.restart)) == sorted(plan.reload)
    assert from_comments(described("codeb-agent retire", after)) == after


def test_who_uses_a_service_that_restarts_is_named() -> None:
    assert line(BUNDLE, other(["/etc/containers/systemd/postgres.container"])) == (
        "codeb1: /etc/containers/systemd/postgres.container. What users notice: restart of postgres, shared: blog is "
        "without it for some seconds."
    )
    assert "shared: blog, shop are without it" in line(BUNDLE, other(["/etc/codeb/redis/redis.conf"]))
    assert "restart of caddy: no site answers" in line(
        BUNDLE, other(["/etc/containers/systemd/caddy.container"])
    )
    assert "reloads after a drain" in line(BUNDLE, other(["/etc/caddy/Caddyfile"]))


def test_what_nobody_notices_is_said_to_be_nothing() -> None:
    assert line(BUNDLE, other(["/etc/fail2ban/jail.d/codeb.local"])).endswith("What users notice: nothing.")
    assert line(BUNDLE, BUNDLE) == "codeb1: its packages, folders or services. What users notice: nothing."


def test_a_service_that_goes_stops() -> None:
    gone = ["/etc/containers/systemd/minio.container"]
    assert "minio stops" in line(BUNDLE, other([], gone))
