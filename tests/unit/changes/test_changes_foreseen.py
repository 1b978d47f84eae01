"""What a preview foresees is what the agent does: over many changes, rollbacks and what stands by."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.documents.reader import Reader
from agent.release.drive import release, rollback
from agent.report.status import status
from codeb.changes.release import Course, course_of, release_line, reloads
from codeb.changes.summary import from_comments, to_comments
from components.told import described
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import with_caddyfile
from tests.unit.changes.made import SECRETS, release_of

IMAGES = [f"reg.lab:5000/blog:{n}" for n in (1, 2, 3)]
HASH = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"
SECTIONS: dict[str, list[Mapping[str, Any]]] = {
    "image": [{"environment": {"image": image}} for image in IMAGES],
    "variables": [{"environment": {"variables": {"LEVEL": level}}} for level in ("debug", "info")],
    "domain": [{"environment": {"domain": f"{name}.lab.test"}} for name in ("blog", "news")],
    "aliases": [{"environment": {"aliases": [f"{name}.lab.test"]}} for name in ("www", "old")],
    "serving": [
        {"environment": {"aliases": [{"host": f"{name}.lab.test", "serve": True}]}}
        for name in ("www", "docs")
    ],
    "protect": [
        {"features": {"protect": {"users": {"ann": HASH}}}},
        {"features": {"protect": {"users": {"ann": HASH[:-1] + "a"}}}},
        {"features": {"protect": {"users": {"ann": HASH, "bob": HASH}, "addresses": ["203.0.113.7"]}}},
    ],
    "redirects": [
        {"features": {"redirects": [{"from": "/a", "to": to, "status": status}]}}
        for to, status in (("/b", 308), ("/b", 301), ("/c", 301))
    ],
    "headers": [
        {"features": {"headers": {"set": {"X-Robots-Tag": "noindex"}}}},
        {"features": {"headers": {"remove": ["X-Powered-By"]}}},
        {"features": {"headers": {"set": {"Strict-Transport-Security": "max-age=63072000"}}}},
    ],
    "port": [{"environment": {"port": 8080}}],
    "stage": [{"environment": {"stage": "staging"}}],
    "app_name": [{"environment": {"app_name": "Blog"}}],
    "name": [{"project": {"name": "Das Blog"}}],
    "tags": [{"project": {"tags": ["b2b"]}}],
    "limits": [{"resources": {"memory": "1Gi"}}, {"resources": {"cpu": 2}}, {"resources": {"pids": 64}}],
    "read_only": [{"resources": {"read_only": False}}],
    "database": [
        {"resources": {"database": {"enabled": False}}},
        {"resources": {"database": {"connection_limit": 40}}},
    ],
    "cache": [{"resources": {"cache": {"enabled": False}}}],
    "storage": [
        {"resources": {"storage": {"enabled": False}}},
        {"resources": {"storage": {"buckets": [{"suffix": "files"}]}}},
    ],
    "ports": [{"servers": {"ports": {"app": 3101, "internal": 3102}}}],
    "upload": [{"features": {"max_upload": "1Gi"}}],
    "cron": [
        {"features": {"cron": [{"name": "tidy", "schedule": when, "command": ["node", "tidy.js"]}]}}
        for when in ("daily", "hourly")
    ],
    "job": [{"features": {"release_command": ["node", "migrate.js"]}}],
    "canary": [{"features": {"canary": [5, 25, 100]}}, {"features": {"canary": [50]}}],
    "canary_wait": [{"features": {"canary_wait": "10s"}}],
    "maintenance": [{"features": {"maintenance": {"message": text}}} for text in ("Back soon.", "Later.")],
    "health": [{"monitoring": {"health": {"successes": 1}}}, {"monitoring": {"health": {"path": "/up"}}}],
    "sentry": [{"monitoring": {"sentry_project": "blog"}}],
    "metrics": [{"monitoring": {"metrics_path": "/stats"}}],
    "backup": [{"backup": {"retention_days": 30}}],
}
TOKENS = [SECRETS, {"TOKEN": "another-token"}]


@st.composite
def wishes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """A manifest with some settings of the table, and its secret."""
    chosen: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(sorted(SECTIONS)), max_size=4, unique=True)):
        _merge(chosen, draw(st.sampled_from(SECTIONS[name])))
    return chosen, draw(st.sampled_from(TOKENS))


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = copy.deepcopy(value)


@settings(max_examples=150, deadline=None)
@given(wishes(), wishes())
def test_two_releases_have_one_summary_only_if_the_agent_is_sent_the_same(
    one: tuple[dict[str, Any], dict[str, str]], two: tuple[dict[str, Any], dict[str, str]]
) -> None:
    first, second = release_of(*one), release_of(*two)
    assert (first.summary == second.summary) == (first.make({}) == second.make({}))
    assert from_comments(described("codeb-agent remove", first.summary)) == first.summary
    assert to_comments(first.summary) == to_comments(dict(sorted(first.summary.items(), reverse=True)))


def seen(host: FakeHost) -> dict[str, Any]:
    projects: Any = status(host.ports(), Reader({"project": "blog"}, ""), "tester")["projects"]
    found: dict[str, Any] = projects[0]
    return found


def started(host: FakeHost) -> dict[str, float]:
    return {name: container.started for name, container in host.systemd.running.items()}


def happened(host: FakeHost, document: Mapping[str, Any]) -> tuple[Course, bool, str]:
    """What became of the container that served, and whether Caddy read another site."""
    before, containers, site = seen(host), started(host), dict(host.caddy.sites)
    answer = release(host.ports(), Reader(copy.deepcopy(dict(document)), ""), "tester")
    after: Any = answer["release"]
    if before["active"] == answer["active"]:
        unmoved = started(host).items() >= containers.items()
        assert unmoved, "nothing was started again"
        held = any("stays on" in str(warning) for warning in answer["warnings"])  # type: ignore[attr-defined]
        course = Course.HELD if held else Course.STAYS
    elif after["why"] == "released again":
        course = Course.RESUMED
    else:
        course = Course.NEW
    return course, host.caddy.sites != site, str(before["status"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(wishes(), st.sampled_from(["back", "forward", "an hour"])), min_size=2, max_size=7))
def test_what_is_foreseen_is_what_happens(steps: list[Any]) -> None:
    host = FakeHost(registry={image: App() for image in IMAGES})
    with_caddyfile(host)
    host.put("/etc/codeb/hold.nft", "table inet codeb_hold {\n}\n")
    applied = release_of({})
    release(host.ports(), Reader(copy.deepcopy(dict(applied.make({}))), ""), "tester")
    for step in steps:
        if step == "an hour":
            host.advance(3700)
        elif isinstance(step, str):
            if seen(host)["previous"] or seen(host)["withdrawn"]:
                rollback(
                    host.ports(), Reader({"project": "blog", "forward": step == "forward"}, ""), "tester"
                )
        else:
            wanted, live = release_of(*step), seen(host)
            foreseen = course_of(applied.summary, wanted.summary, live)
            reload = reloads(applied.summary, wanted.summary, live)
            line = release_line("blog", applied.summary, wanted.summary, live)
            course, reloaded, _ = happened(host, wanted.make({}))
            assert (foreseen, reload) == (course, reloaded), line
            assert "hunter2" not in line
            assert "another-token" not in line
            applied = wanted
