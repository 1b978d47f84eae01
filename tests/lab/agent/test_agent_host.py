"""The agent on a real host: systemd, Podman, Caddy, Redis."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from agent_documents import REDIS_ADMIN, bundle, release
from agent_lab import NAME, AgentHost

from codeb.plan import CachePlan, RedisPlan
from codeb.render.cache import cache_rules

pytestmark = pytest.mark.lab

APP = "localhost/agent/app:"


def links(host: AgentHost) -> str:
    return host.sh("ls", "/etc/systemd/system/multi-user.target.wants")


def test_apply_again_changes_nothing(host: AgentHost, ca: tuple[str, str]) -> None:
    answer = host.agent("apply", bundle(*ca))
    assert (answer.code, answer.document["changed"], answer.document["restarted"]) == (0, [], [])
    assert answer.document["versions"]["podman"].startswith("5.")


def test_a_caddyfile_that_caddy_refuses_never_replaces_the_good_one(
    host: AgentHost, ca: tuple[str, str]
) -> None:
    document = bundle(*ca)
    good = host.sh("cat", "/etc/caddy/Caddyfile")
    document["files"][3]["content"] = "unknown_directive here {\n"
    answer = host.agent("apply", document)
    assert (answer.code, answer.document["phase"]) == (1, "check")
    assert "Caddyfile" in answer.err
    assert host.sh("cat", "/etc/caddy/Caddyfile") == good


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("/etc/ssh/sshd_config.d/10-test.conf", "PermitRootLogin perhaps\n", "unsupported option"),
        ("/etc/nftables.conf", "table inet x { chain y { nonsense } }\n", "syntax error"),
    ],
)
def test_files_of_sshd_and_nft_are_checked_before_they_are_live(
    host: AgentHost, ca: tuple[str, str], path: str, content: str, said: str
) -> None:
    document = bundle(*ca)
    document["files"].append({"path": path, "content": content, "mode": "0644", "owner": "root:root"})
    before = host.sh("cat", path, check=False)
    answer = host.agent("apply", document)
    assert (answer.code, answer.document["phase"]) == (1, "check")
    assert said in answer.err
    assert host.sh("cat", path, check=False) == before


def started_at(host: AgentHost, container: str) -> str:
    return host.sh("podman", "inspect", "--format", "{{.State.StartedAt}}", container).strip()


def test_releases_switch_roll_back_and_survive_a_reboot(host: AgentHost, project: str) -> None:
    first = host.agent("release", release(f"{APP}v1"))
    assert first.code == 0, first.err
    assert (first.document["active"], host.version(project)) == ("blue", "v1")
    again = host.agent("release", release(f"{APP}v1"))
    assert (again.code, again.document["changed"]) == (0, False)
    second = host.agent("release", release(f"{APP}v2"))
    assert (second.code, host.version(project)) == (0, "v2"), second.err
    assert "codeb-agent-one-green" in links(host)
    assert "codeb-agent-one-blue" not in links(host)
    standing = started_at(host, "codeb-agent-one-blue")
    back = host.agent("rollback", {"project": project})
    assert (back.code, host.version(project)) == (0, "v1"), back.err
    assert started_at(host, "codeb-agent-one-blue") == standing, (
        "a rollback starts nothing: the standby serves"
    )
    host.lab.reboot(NAME)
    deadline = time.monotonic() + 30
    while host.version(project) != "v1" and time.monotonic() < deadline:
        time.sleep(0.5)
    assert host.version(project) == "v1"
    running = host.sh("podman", "ps", "--format", "{{.Names}}").split()
    assert "codeb-agent-one-blue" in running
    assert "codeb-agent-one-green" not in running, "only the active colour starts at boot"
    print(f"first {first.seconds:.1f} s, same {again.seconds:.1f} s, second {second.seconds:.1f} s,")
    print(f"rollback {back.seconds:.2f} s")


@pytest.mark.parametrize(
    ("version", "phase", "said"),
    [
        ("crash", "health", "exit code 3"),
        ("sick", "health", "answered 503"),
        pytest.param("slow", "health", "the limit is 500 ms", marks=pytest.mark.slow),
        pytest.param("deaf", "health", "not healthy", marks=pytest.mark.slow),
        ("missing", "pull", "is not on this host"),
    ],
)
def test_a_bad_release_says_why_and_changes_nothing(
    host: AgentHost, project: str, version: str, phase: str, said: str
) -> None:
    assert host.agent("release", release(f"{APP}v1")).code == 0
    document = release(f"{APP}{version}")
    document["health"]["start_timeout_ms"] = 6000
    answer = host.agent("release", document)
    assert (answer.code, answer.document["phase"]) == (1, phase), answer.document
    assert said in answer.document["cause"]
    assert said in answer.err
    assert "sekret" not in answer.err + json.dumps(answer.document)
    if version == "crash":
        assert "cannot start, token *****" in answer.document["log"]
    assert host.version(project) == "v1"
    assert "codeb-agent-one-green" not in host.sh("podman", "ps", "--format", "{{.Names}}")
    assert host.agent("release", release(f"{APP}v1")).document["changed"] is False


def test_a_first_release_that_fails_leaves_nothing(host: AgentHost, project: str) -> None:
    assert host.agent("release", release(f"{APP}crash")).code == 1
    left = host.sh("find", "/etc", "/var/lib/codeb", "-name", "*agent-one*", "-not", "-name", "*.lock")
    assert left == ""
    assert "agent-one" not in host.sh("podman", "network", "ls")


def test_a_site_that_caddy_refuses_is_not_written(host: AgentHost, project: str) -> None:
    answer = host.agent("release", release(f"{APP}v1", site="agent-one.lab.test {\n\tnonsense\n}\n"))
    assert (answer.code, answer.document["phase"]) == (1, "check")
    assert "nonsense" in answer.document["cause"]


@pytest.mark.slow
def test_the_standby_stops_when_its_time_is_over(host: AgentHost, project: str) -> None:
    host.agent("release", release(f"{APP}v1"))
    assert host.agent("release", release(f"{APP}v2", standby_minutes=1)).code == 0
    assert "codeb-agent-one-blue" in host.sh("podman", "ps", "--format", "{{.Names}}")
    time.sleep(65)
    assert "codeb-agent-one-blue" not in host.sh("podman", "ps", "--format", "{{.Names}}")
    back = host.agent("rollback", {"project": project})
    assert (back.code, host.version(project)) == (0, "v1"), back.err


def test_the_cache_user_reaches_its_own_index_only(host: AgentHost, project: str) -> None:
    cache = {
        "host": "127.0.0.1",
        "port": 6379,
        "index": 2,
        "user": "agent_one",
        "rules": list(
            cache_rules(
                CachePlan(RedisPlan("0", 6379, 1 << 29, "allkeys-lfu"), 2, "127.0.0.1", "agent_one"),
                "agent_one:",
            )
        ),
        "password": "agent-one-cache-password",
        "admin_password": REDIS_ADMIN,
    }
    answer = host.agent("release", release(f"{APP}v1", cache=cache))
    assert answer.code == 0, answer.err

    def redis(*words: str) -> str:
        user = ("--user", "agent_one", "--pass", cache["password"], "--no-auth-warning")
        return host.sh("podman", "exec", "redis-0", "redis-cli", *map(str, user), *words, check=False)

    assert "OK" in redis("-n", "2", "set", "k", "v")
    for words in (["select", "3"], ["flushall"], ["keys", "*"], ["acl", "list"], ["config", "get", "*"]):
        assert "NOPERM" in redis(*words), words
    assert "NOPERM" in redis("-n", "2", "copy", "k", "k2", "db", "3")
    for words in (
        ["psubscribe", "*"],
        ["publish", "other:x", "y"],
        ["function", "list"],
        ["script", "flush"],
    ):
        assert "NOPERM" in redis(*words), words
    assert "0" in redis("publish", "agent_one:x", "y")
    narrower = {**cache, "rules": [*cache["rules"], "-publish"]}
    again = host.agent("release", release(f"{APP}v1", cache=narrower))
    assert (again.code, again.document["release"]) == (0, answer.document["release"]), "nothing is restarted"
    assert "NOPERM" in redis("publish", "agent_one:x", "y")
    host.sh("systemctl", "restart", "redis-0.service")
    end = time.monotonic() + 30
    while "PONG" not in redis("ping"):
        assert time.monotonic() < end, redis("ping")
        time.sleep(0.2)
    assert "v" in redis("-n", "2", "get", "k") or "OK" in redis("-n", "2", "set", "k", "v")
    assert host.agent("remove", {"project": project, "cache": {"admin_password": REDIS_ADMIN}}).code == 0
    assert "NOAUTH" in redis("ping"), "the user is gone"


def test_cron_jobs_run_in_the_active_image(host: AgentHost, project: str) -> None:
    document = release(f"{APP}v1")
    stem = "codeb-agent-one-cron-hello"
    container = "\n".join(
        [
            "[Container]",
            "Image=@IMAGE@",
            "Pull=never",
            f"EnvironmentFile=/etc/codeb/projects/{project}/active.env",
            f"Volume=/run/{stem}:/out",
            'Entrypoint=["sh"]',
            'Exec=-c "echo $$VERSION $$SECRET_TOKEN >> /out/said"',
            "[Service]",
            f"EnvironmentFile=/etc/codeb/projects/{project}/active.image",
            "Type=oneshot",
            "Restart=no",
        ]
    )
    timer = "[Timer]\nOnCalendar=*:*:0/2\nAccuracySec=100ms\n[Install]\nWantedBy=timers.target\n"
    document["units"]["cron"] = [
        {
            "container": {"name": f"{stem}.container", "content": container + "\n"},
            "timer": {"name": f"{stem}.timer", "content": timer},
        }
    ]
    host.sh("mkdir", "-p", f"/run/{stem}")
    answer = host.agent("release", document)
    assert answer.code == 0, answer.err
    time.sleep(5)
    assert "v1 sekret" in host.sh("cat", f"/run/{stem}/said")
    document["image"] = f"{APP}v2"
    assert host.agent("release", document).code == 0
    time.sleep(5)
    assert "v2 sekret" in host.sh("cat", f"/run/{stem}/said")
    assert host.agent("release", release(f"{APP}v2")).code == 0
    assert stem not in host.sh("systemctl", "list-timers", "--all")


@pytest.mark.slow
def test_three_projects_released_at_once(host: AgentHost) -> None:
    names = {"agent-two": 3911, "agent-three": 3921, "agent-four": 3931}
    for name in names:
        host.agent("remove", {"project": name})
    start = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(host.agent, "release", release(f"{APP}v1", project=name, port=port))
            for name, port in names.items()
        ]
        answers = [job.result() for job in jobs]
    print(f"three at once: {time.monotonic() - start:.1f} s")
    assert [answer.code for answer in answers] == [0, 0, 0], [answer.err for answer in answers]
    assert [host.version(name) for name in names] == ["v1", "v1", "v1"]
    for name in names:
        assert host.agent("remove", {"project": name}).document["changed"] is True


def test_status_and_doctor(host: AgentHost, project: str) -> None:
    assert host.agent("release", release(f"{APP}v1")).code == 0
    status = host.agent("status").document
    entry = next(each for each in status["projects"] if each["project"] == project)
    assert (entry["status"], entry["active"]) == ("healthy", "blue")
    assert entry["history"][0]["outcome"] == "released"
    host.sh("systemctl", "stop", "codeb-agent-one-blue.service")
    doctor = host.agent("doctor")
    assert doctor.code == 1
    assert "agent-one: blue, where users are sent, refused the connection" in doctor.err
    host.sh("systemctl", "start", "codeb-agent-one-blue.service")


def test_remove_twice(host: AgentHost, project: str) -> None:
    host.agent("release", release(f"{APP}v1"))
    host.agent("release", release(f"{APP}v2"))
    assert host.agent("remove", {"project": project}).document["changed"] is True
    assert host.agent("remove", {"project": project}).document["changed"] is False
    left = host.sh("find", "/etc", "/var/lib/codeb", "-name", "*agent-one*", "-not", "-name", "*.lock")
    assert left == ""


def test_no_process_of_the_agent_stays(host: AgentHost) -> None:
    assert "agent.pyz" not in host.sh("ps", "-eo", "args")
