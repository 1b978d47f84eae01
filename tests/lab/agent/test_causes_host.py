"""What a real host says of a release that failed, and of an image whose data doesn't stay."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from agent_documents import release
from agent_lab import AgentHost

from agent.real.asker import ENDED
from codeb import names
from codeb.render.text import render
from components.project import RELEASE

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SAID = ["the same line", "the same line", "relation orders does not exist in production", "token *****"]
SCRIPT = (
    "console.log('the same line'); console.log('the same line'); "
    "console.error('relation ' + process.env.DATASET + ' does not exist in ' + process.env.STAGE); "
    "console.log('token ' + process.env.SECRET_TOKEN);"
)
ENVIRONMENT = {"SECRET_TOKEN": "sekret-token-of-the-app", "DATASET": "orders", "STAGE": "production"}
OPEN: dict[str, Any] = {"environment": ENVIRONMENT, "secret": ["SECRET_TOKEN"]}


@pytest.fixture(scope="module")
def image(host: AgentHost) -> str:
    """The tiny app without an entry point, and with a volume."""
    name = "localhost/agent/volume:1"
    lines = [
        "FROM localhost/agent/app:v1",
        "ENTRYPOINT []",
        'CMD ["node", "/server.cjs"]',
        "VOLUME /var/data",
    ]
    host.put("/root/volume/Containerfile", "\n".join(lines) + "\n")
    host.sh("podman", "build", "--quiet", "--pull=never", "--network=none", "-t", name, "/root/volume")
    return name


def unit(template: str, service: str, whose: names.Whose, **more: object) -> str:
    """A unit of the project as the platform renders it."""
    return render(
        f"project/{template}.container",
        id="agent-one",
        network=names.network("agent-one"),
        ca_file=names.CA_FILE,
        read_only=True,
        pids=100,
        memory=256 << 20,
        cpu=1,
        service=service,
        environment_file=names.environment_file("agent-one", whose),
        digest_file=names.digest_file("agent-one", whose),
        module_file=None,
        **more,
    )


def job(script: str) -> dict[str, Any]:
    service = names.job_service("agent-one")
    content = unit("job", service, "candidate", command=["node", "-e", script], timeout_s=60)
    return {"unit": {"name": f"{service}.container", "content": content}, "timeout_ms": 60_000}


def test_a_release_command_s_lines_are_told_once_with_only_secrets_masked(
    host: AgentHost, project: str, image: str
) -> None:
    answer = host.agent("release", release(image, job=job(f"{SCRIPT} process.exit(4)"), **OPEN))
    assert (answer.code, answer.document["phase"]) == (1, "job"), answer.document
    assert "exit code 4" in answer.document["cause"]
    assert sorted(answer.document["log"]) == sorted(SAID)


def test_a_cron_run_s_lines_are_in_the_journal_once_and_data_in_volumes_is_warned_of(
    host: AgentHost, project: str, image: str
) -> None:
    document = release(image, **OPEN)
    container, timer = names.cron_units(project, "say")
    service = names.cron_service(project, "say")
    content = unit("cron", service, "active", name="say", command=["node", "-e", SCRIPT])
    never = "[Timer]\nOnCalendar=2199-01-01\n[Install]\nWantedBy=timers.target\n"
    document["units"]["cron"] = [
        {"container": {"name": container, "content": content}, "timer": {"name": timer, "content": never}}
    ]
    answer = host.agent("release", document)
    assert answer.code == 0, answer.err
    assert answer.document["warnings"][0].startswith(f"{image} declares VOLUME /var/data: ")
    since = host.sh("date", "+%s").strip()
    time.sleep(1)
    host.sh("systemctl", "start", f"{service}.service")
    host.sh("journalctl", "--sync")
    said = host.sh("journalctl", "-q", "-t", project, f"--since=@{since}", "-o", "cat").splitlines()
    assert sorted(line.replace(ENVIRONMENT["SECRET_TOKEN"], "*****") for line in said) == sorted(SAID)
    everywhere = host.sh("journalctl", "-q", f"--since=@{since}", "-o", "cat").splitlines()
    assert everywhere.count("the same line") == 2, "the app wrote it twice"


def test_a_release_whose_session_ends_stops_its_command_and_is_put_back(
    host: AgentHost, project: str, image: str
) -> None:
    """Over real SSH, started as the program does: sshd sends no signal to a process without a terminal."""
    assert host.agent("release", release(image)).code == 0
    slow = job(
        "process.on('SIGTERM', () => { console.log('told to end'); process.exit(1); }); setInterval(() => 0, 1000)"
    )
    document = json.dumps(release(image, job=slow, **OPEN))
    with host.session(RELEASE) as session:
        assert session.stdin
        session.stdin.write(document.encode())
        session.stdin.close()
        host.await_active(f"{names.job_service(project)}.service", "activating")
        session.kill()
    host.await_active(f"{names.job_service(project)}.service", "inactive")
    deadline = time.monotonic() + 30
    while (newest := status(host, project))["history"][0]["outcome"] != "interrupted":
        assert time.monotonic() < deadline, newest
        time.sleep(0.5)
    cause = newest["history"][0]["cause"]
    assert cause == f"job: interrupted: {ENDED}; the release command was stopped (SIGTERM)"
    assert (newest["status"], newest["active"], newest["unfinished"]) == ("healthy", "blue", False)
    assert host.agent("release", release(image)).document["changed"] is False


def status(host: AgentHost, project: str) -> dict[str, Any]:
    found: dict[str, Any] = host.agent("status", {"project": project}).document["projects"][0]
    return found
