"""kill -9 and power cuts in the middle of releases on a real host: users are served, and the next run converges.

A few run each time, all with `make test-slow`; `pytest --kills 50 tests/lab/agent/test_kills_host.py` kills at more random
moments.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from agent_documents import gates, release
from agent_lab import NAME, AgentHost

pytestmark = [pytest.mark.lab, pytest.mark.slow]

APP = "localhost/agent/app:"
PROJECTS = "/var/lib/codeb/projects"


def unfinished(host: AgentHost) -> bool:
    return "agent-one.undo" in host.sh("ls", PROJECTS)


def converges(host: AgentHost, project: str) -> None:
    """A run that nobody disturbs ends with v2 serving and nothing left over."""
    answer = host.agent("release", release(f"{APP}v2", **gates()))
    assert (answer.code, host.version(project)) == (0, "v2"), answer.err
    assert host.agent("release", release(f"{APP}v2", **gates())).document["changed"] is False
    assert not unfinished(host)
    assert host.sh("cat", f"/etc/caddy/canaries/{project}.weight") == "0"
    links = host.sh("ls", "/etc/systemd/system/multi-user.target.wants").split()
    assert len([link for link in links if link.startswith(f"codeb-{project}-")]) == 1


def _phases(always: set[str], *names: str) -> list[Any]:
    """Every phase; those that are not tried each time are slow tests."""
    return [pytest.param(name, marks=() if name in always else pytest.mark.slow) for name in names]


@pytest.mark.parametrize(
    "phase",
    _phases(
        {"prepare", "health", "switch"},
        *(
            "pull",
            "check",
            "prepare",
            "cache",
            "job",
            "start",
            "health",
            "canary",
            "switch",
            "probe",
            "settle",
        ),
    ),
)
def test_kill_9_in_each_phase_then_run_again(host: AgentHost, project: str, phase: str) -> None:
    assert host.agent("release", release(f"{APP}v1", **gates())).code == 0
    killed = host.kill_at(phase, "release", release(f"{APP}v2", **gates()))
    assert killed == "137", "the agent was killed before its end"
    assert host.version(project) in ("v1", "v2"), "users are served whatever happened"
    assert unfinished(host) or phase in ("pull", "check", "prepare", "settle"), "the undo file is there"
    converges(host, project)


@pytest.mark.parametrize("phase", _phases({"put-back"}, "put-back", "resume"))
def test_kill_9_while_it_goes_back_then_run_again(host: AgentHost, project: str, phase: str) -> None:
    assert host.agent("release", release(f"{APP}v1", **gates())).code == 0
    if phase == "resume":
        assert host.agent("release", release(f"{APP}v2", **gates())).code == 0
        assert host.kill_at(phase, "rollback", {"project": project}) == "137"
        assert host.version(project) in ("v1", "v2")
        assert host.agent("rollback", {"project": project}).code == 0
        assert host.version(project) == "v1"
        assert host.agent("rollback", {"project": project, "forward": True}).code == 0
    else:
        bad = release(f"{APP}crash", **gates())
        assert host.kill_at(phase, "release", bad) == "137"
        assert host.version(project) == "v1"
    converges(host, project)


@pytest.mark.parametrize("phase", _phases({"switch"}, "job", "health", "canary", "switch"))
def test_a_power_cut_in_the_middle(host: AgentHost, project: str, phase: str) -> None:
    assert host.agent("release", release(f"{APP}v1", **gates())).code == 0
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(host.agent, "release", release(f"{APP}v2", **gates(slow=True)))
        host.await_phase(project, phase)
        host.lab.power_cut(NAME)
        assert running.exception() is not None or running.result().code != 0
    host.lab.ensure_hosts((NAME,))
    # After the switch little is left to do: a slow machine's release may have ended, and only its answer been cut off.
    assert unfinished(host) or phase == "switch", "it was cut in the middle"
    deadline = time.monotonic() + 30
    while host.version(project) not in ("v1", "v2") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert host.version(project) in ("v1", "v2")
    converges(host, project)


@pytest.mark.slow
def test_kills_at_random_moments(host: AgentHost, project: str, request: pytest.FixtureRequest) -> None:
    rounds = int(request.config.getoption("--kills"))
    chance = random.Random(rounds)  # noqa: S311 - the same moments each time
    assert host.agent("release", release(f"{APP}v1", **gates())).code == 0
    for number in range(rounds):
        document = release(f"{APP}{chance.choice(['v1', 'v2', 'v3', 'crash'])}", **gates())
        document["environment"]["ROUND"] = str(number)
        host.kill_after(chance.uniform(0.05, 4), "release", document)
        assert host.version(project) in ("v1", "v2", "v3"), f"round {number}: users are served"
    converges(host, project)
