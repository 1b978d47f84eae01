"""What a stack that is watched tells its agents, and that one that isn't tells them what it always did."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.bundle.document import read_bundle
from agent.documents.reader import Reader
from agent.host import paths
from agent.monitoring.metrics import metrics
from agent.monitoring.places import load
from agent.project.spec import Alerts
from agent.project.spec_reader import read_release
from codeb.changes.settings import release_summary
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.plan.monitored import monitoring_places, monitoring_server
from codeb.render import release_document
from codeb.render.monitored import places_file, series_files
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.changes.made import DIGEST

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"


def plan_of(*, watched: bool, **sections: Any) -> Plan:
    roles = ["app", "data", "edge", *(["monitoring"] if watched else [])]
    server = {"name": "one", "address": "10.77.0.2", "hostKey": KEY, "roles": roles}
    manifest = {
        "project": {"id": "blog"},
        "environment": {"domain": "blog.lab.test", "image": "ghcr.io/x/blog:1"},
        **sections,
    }
    settings = parse_settings({"domain": "lab.test", "servers": [server]})
    return make_plan(
        settings, load_manifests([ManifestSource("b.yaml", json.dumps(manifest))], settings), None
    )


def document_of(plan: Plan) -> dict[str, Any]:
    return release_document(plan, plan.project("blog"))


def spec_of(document: dict[str, Any]) -> Any:
    document["cache"].update(password="p", admin_password="a")
    return read_release(Reader(json.loads(json.dumps(document)), "")).spec


def test_thresholds_and_the_path_of_metrics_reach_the_agent() -> None:
    alerts = {"error_rate_percent": 2.5, "response_ms": 300}
    plan = plan_of(
        watched=True, monitoring={"alerts": alerts, "metrics_path": "/stats"}, features={"metrics": True}
    )
    spec = spec_of(document_of(plan))
    assert spec.alerts == Alerts(2.5, 300)
    assert spec.metrics_path == "/stats"


def test_without_a_word_the_manifest_s_defaults_count_and_no_metrics_are_asked_for() -> None:
    spec = spec_of(document_of(plan_of(watched=True)))
    assert (spec.alerts, spec.metrics_path) == (Alerts(5.0, 1000), None)
    off = spec_of(document_of(plan_of(watched=True, monitoring={"alerts": {"enabled": False}})))
    assert off.alerts is None


def test_a_stack_without_monitoring_sends_what_it_always_did() -> None:
    document = document_of(plan_of(watched=False, monitoring={"alerts": {"response_ms": 7}}))
    assert {"alerts", "metrics_path"}.isdisjoint(document)
    assert monitoring_server(plan_of(watched=False)) is None
    spec = spec_of(document)
    assert (spec.alerts, spec.metrics_path) == (None, None)


def test_thresholds_are_around_the_container_and_not_of_it() -> None:
    def fingerprint(**monitoring: Any) -> str:
        plan = plan_of(watched=True, monitoring=monitoring, features={"metrics": True})
        document = document_of(plan)
        document["cache"].update(password="p", admin_password="a")
        return read_release(Reader(document, "")).fingerprint()

    bare = document_of(plan_of(watched=False))
    bare["cache"].update(password="p", admin_password="a")
    before = read_release(Reader(bare, "")).fingerprint()
    assert before == fingerprint() == fingerprint(alerts={"response_ms": 7}) == fingerprint(metrics_path="/x")


def test_a_preview_tells_of_thresholds_where_they_count() -> None:
    for watched in (True, False):
        plan = plan_of(watched=watched, monitoring={"alerts": {"response_ms": 7}}, features={"metrics": True})
        summary = release_summary(plan.project("blog"), document_of(plan), "f" * 64, DIGEST)
        assert ("monitoring.alerts.response_ms" in summary, "features.metrics" in summary) == (
            watched,
            watched,
        )


def test_the_agent_finds_the_services_where_the_plan_says_they_are() -> None:
    plan = plan_of(watched=True)
    file = places_file(plan)
    assert file.path == paths.MONITORING
    host = FakeHost()
    host.put(file.path, file.content)
    found = load(host.ports())
    assert {**found.addresses, "log_store": found.store} == monitoring_places(plan)
    assert found.addresses["prometheus"] == "127.0.0.1:9090"


def test_the_units_are_those_that_the_agent_starts_anew() -> None:
    bundle = series_files()
    assert read_bundle(Reader(bundle.document(), "")).services
    assert [file.path for file in bundle.files] == [
        paths.unit(paths.METRICS_SERVICE),
        paths.unit("codeb-metrics.timer"),
    ]
    service = bundle.files[0].content
    assert f"codeb-agent {metrics.__name__}\n" in service
    assert "StartLimitIntervalSec=0" in service, (
        "ten releases in a row would have systemd refuse the eleventh start"
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    for file in series_files().files:
        name = file.path.rpartition("/")[2]
        (tmp_path / name).write_text(file.content.replace("/usr/local/bin/codeb-agent", "/bin/true"))
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "codeb-metrics" in line] == []
