"""Caddy on a real host: other projects' sites come, change and go under load; canary, maintenance, drain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agent_documents import release, site
from agent_lab import NAME, AgentHost

from lab.bench.users import under_load
from lab.load import Target

pytestmark = pytest.mark.lab

APP = "localhost/agent/app:"
STEPS = ((50, "1 1"),)


def curl(host: AgentHost, project: str, *options: str) -> str:
    domain = f"{project}.lab.test"
    resolve = ("--cacert", "/etc/codeb/ca.crt", "--resolve", f"{domain}:443:127.0.0.1")
    return host.sh("curl", "-sS", "--max-time", "5", *resolve, *options, f"https://{domain}/api/health")


@pytest.mark.slow
def test_sites_of_others_come_change_and_go_without_failing_a_request(host: AgentHost, project: str) -> None:
    assert host.agent("release", release(f"{APP}v1", project)).code == 0
    others = [release(f"{APP}v1", f"agent-other{n}", 3950 + 2 * n) for n in range(2)]

    def changes() -> None:
        steps = [("release", other) for other in others]
        steps += [("release", {**others[0], "site": site("agent-other0", max_upload=2 << 20)})]
        steps += [("remove", {"project": other["project"]}) for other in others]
        for verb, document in steps:
            answer = host.agent(verb, document)
            assert (answer.code, answer.document["changed"]) == (0, True), answer.err

    found = host.lab.info(NAME)
    to = Target(f"{project}.lab.test", found.address, found.root / "etc/codeb/ca.crt")
    _, rows = under_load(to, changes, users=10)
    assert [(row.failed, row.causes) for row in rows] == [(0, "")] * len(rows)
    assert min(row.requests for row in rows) > 1000
    assert host.sh("ls", "/etc/caddy/sites").split() == [f"{project}.caddy"]
    assert "table inet codeb_hold" not in host.sh("nft", "list", "tables")


def test_a_new_site_waits_for_nobody_when_nobody_is_connected(host: AgentHost, project: str) -> None:
    since = f"--since=@{int(host.sh('date', '+%s'))}"
    assert host.agent("release", release(f"{APP}v1", project)).code == 0
    assert host.version(project) == "v1"
    assert (
        host.sh("journalctl", "-t", "codeb-agent", since, "--quiet", "--grep=asked to end", check=False) == ""
    )


def test_canary_and_counts_from_caddy_s_journal(host: AgentHost, project: str) -> None:
    canary = {"steps": [50], "wait_ms": 12000, "max_error_percent": 5.0}
    document: dict[str, Any] = {"site": site(project, canary_steps=STEPS), "canary": canary}
    assert host.agent("release", release(f"{APP}v1", project, **document)).code == 0
    host.sh(
        *("systemd-run", "--quiet", "--unit=canary-load", "--collect", "sh", "-c"),
        "while :; do curl -s --cacert /etc/codeb/ca.crt --resolve "
        f"{project}.lab.test:443:127.0.0.1 https://{project}.lab.test/; done",
    )
    try:
        answer = host.agent("release", release(f"{APP}v2", project, **document))
    finally:
        host.sh("systemctl", "stop", "canary-load")
    assert answer.code == 0, answer.err
    assert [word for word in answer.document["warnings"] if "say little" in word] == []
    assert host.version(project) == "v2"
    assert host.sh("cat", f"/etc/caddy/canaries/{project}.weight") == "0"


def test_maintenance_comes_and_goes_without_a_reload(host: AgentHost, project: str) -> None:
    maintenance = {"page": "<!doctype html><p>{env.HOME} soon</p>\n", "retry_after_s": 120}
    assert host.agent("release", release(f"{APP}v1", project)).code == 0
    loads = "journalctl -u caddy -o cat | grep -c 'load complete' || true"
    before = host.sh("sh", "-c", loads)
    answer = host.agent("release", release(f"{APP}v1", project, maintenance=maintenance))
    assert (answer.code, answer.document["changed"]) == (0, True), answer.err
    shown = curl(host, project, "-i", "-X", "POST")
    assert " 503" in shown.splitlines()[0]
    assert "retry-after: 120" in shown.lower()
    assert shown.splitlines()[-1] == "<!doctype html><p>{env.HOME} soon</p>"
    assert host.agent("release", release(f"{APP}v1", project)).code == 0
    assert json.loads(curl(host, project))["version"] == "v1"
    assert host.sh("sh", "-c", loads) == before


def test_doctor_names_a_drain_that_was_killed(host: AgentHost, project: str) -> None:
    assert host.agent("release", release(f"{APP}v1", project)).code == 0
    host.put("/etc/caddy/draining", "")
    shown = curl(host, project, "-i", "--http1.1")
    problems = [problem["what"] for problem in host.agent("doctor").document["problems"]]
    host.sh("rm", "/etc/caddy/draining")
    assert "connection: close" in shown.lower()
    assert [what for what in problems if "/etc/caddy/draining is left" in what] != []
