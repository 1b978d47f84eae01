"""What only systemd and Podman can show: containers that keep ending, failed units of projects that left."""

from __future__ import annotations

import time
from typing import Any

import pytest
from agent_documents import release
from agent_lab import AgentHost

pytestmark = [pytest.mark.lab, pytest.mark.slow]

APP = "localhost/agent/app:"
BLUE = "codeb-agent-one-blue"


def entry(host: AgentHost, project: str) -> dict[str, Any]:
    (found,) = host.agent("status", {"project": project}).document["projects"]
    return dict(found)


def dies(host: AgentHost, project: str) -> None:
    """Kill the app's container and wait until systemd has started it again."""
    before = host.sh("podman", "inspect", "--format", "{{.Id}}", BLUE)
    host.sh("podman", "kill", BLUE)
    deadline = time.monotonic() + 30
    while host.sh("podman", "inspect", "--format", "{{.Id}}", BLUE, check=False) in ("", before, "\n"):
        assert time.monotonic() < deadline, "it was not started again"
        time.sleep(0.2)
    while host.version(project) != "v1":
        assert time.monotonic() < deadline, "it does not serve again"
        time.sleep(0.2)


def test_a_crash_loop_is_not_called_healthy(host: AgentHost, project: str) -> None:
    assert host.agent("release", release(f"{APP}v1")).code == 0
    assert (entry(host, project)["status"], entry(host, project)["crashed"]) == ("healthy", "")
    dies(host, project)
    once = entry(host, project)
    assert once["status"] == "healthy"
    assert once["crashed"] == (
        "ended by itself and was started again once in the last 10 minutes, last with exit code 137"
    )
    dies(host, project)
    twice = entry(host, project)
    assert twice["status"] == "unhealthy"
    assert "started again 2 times in the last 10 minutes, last with exit code 137" in twice["cause"]
    assert "agent-one: blue, where users are sent, ended by itself" in host.agent("doctor").err
    host.sh("systemctl", "restart", f"{BLUE}.service")
    assert entry(host, project)["crashed"] == "", "somebody started it: that is no crash"


def test_a_release_that_runs_is_said_to_run(host: AgentHost, project: str) -> None:
    assert host.agent("release", release(f"{APP}v1")).code == 0
    lock = f"/var/lib/codeb/projects/{project}.lock"
    host.sh("sh", "-c", f"flock {lock} sleep 5 >/dev/null 2>&1 </dev/null & sleep 0.5")
    host.put(f"/var/lib/codeb/projects/{project}.undo", "{}")
    found = entry(host, project)
    assert found["working_since"]
    assert found["unfinished"] is False
    time.sleep(6)
    found = entry(host, project)
    assert (found["working_since"], found["unfinished"]) == (None, True)
    host.sh("rm", f"/var/lib/codeb/projects/{project}.undo")


def test_a_project_that_left_leaves_no_failed_unit_and_no_lock(host: AgentHost, project: str) -> None:
    document = release(f"{APP}v1")
    stem = "codeb-agent-one-cron-fails"
    lines = (
        "[Container]",
        "Image=@IMAGE@",
        "Pull=never",
        'Entrypoint=["sh"]',
        'Exec=-c "exit 7"',
        "[Service]",
        f"EnvironmentFile=/etc/codeb/projects/{project}/active.image",
        "Type=oneshot",
    )
    document["units"]["cron"] = [
        {
            "container": {"name": f"{stem}.container", "content": "\n".join(lines) + "\n"},
            "timer": {
                "name": f"{stem}.timer",
                "content": "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n",
            },
        }
    ]
    assert host.agent("release", document).code == 0
    host.sh("systemctl", "start", f"{stem}.service", check=False)
    assert f"unit {stem}.service has failed" in host.agent("doctor").err
    assert host.agent("remove", {"project": project}).code == 0
    assert stem not in host.agent("doctor").err
    assert stem not in host.sh("systemctl", "list-units", "--failed", "--all", "--plain")
    left = host.sh("find", "/etc", "/var/lib/codeb", "-name", "*agent-one*")
    assert left == "", "lock files too"


def test_a_full_state_folder_is_said_with_its_path_and_leaves_nothing_half_written(
    host: AgentHost, project: str
) -> None:
    assert host.agent("release", release(f"{APP}v1")).code == 0
    host.sh("cp", "-a", "/var/lib/codeb", "/run/codeb-saved")
    host.sh("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/var/lib/codeb")
    try:
        host.sh("cp", "-a", "/run/codeb-saved/.", "/var/lib/codeb", check=False)
        host.sh("sh", "-c", "head -c 65536 /dev/zero > /var/lib/codeb/filler; true", check=False)
        before = host.sh("find", "/var/lib/codeb")
        answer = host.agent("release", release(f"{APP}v2"))
        assert answer.code == 1
        assert "can't be written: No space left on device" in answer.document["cause"]
        assert "/var/lib/codeb/" in answer.document["cause"]
        assert "df -h /var/lib/codeb" in answer.document["remedy"]
        assert host.sh("find", "/var/lib/codeb") == before
        assert host.version(project) == "v1"
    finally:
        host.sh("umount", "/var/lib/codeb")
        host.sh("rm", "-rf", "/run/codeb-saved")
    assert host.agent("release", release(f"{APP}v2")).code == 0
