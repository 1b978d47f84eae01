"""The verb `session`: what is refused, what is prepared, what is noted, and where secrets are not."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.sessions import container, services
from agent.sessions.wish import read_prepared, read_wish
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.sessions.sitting import (
    CGROUP,
    ENVIRONMENT,
    PASSWORD,
    PROCESS,
    asked,
    inspected,
    serving_host,
)
from tests.unit.agent.verbs import new_host

EXPECTED = sorted(
    (Path(__file__).parents[4] / "tests/cases/render").glob("*/expected/projects/*/*-blue.container")
)


@pytest.fixture
def host() -> FakeHost:
    return serving_host()


def prepared(host: FakeHost, answer: dict[str, Any]) -> Any:
    path = f"/run/codeb/sessions/{answer['token']}.wanted"
    assert host.files[path].mode == 0o600
    return read_prepared(host.files[path].content)


def told(host: FakeHost) -> str:
    """All that others than root may come to see: arguments, journal, and the audit log."""
    return json.dumps([host.calls, host.journal, host.tell("/var/log/codeb/audit.log")])


def audited(host: FakeHost) -> dict[str, Any]:
    lines = (host.tell("/var/log/codeb/audit.log") or "").splitlines()
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def test_exec_is_the_containers_own_process_with_other_words(host: FakeHost) -> None:
    answer = asked(host, "exec", "sh", "-c", "echo $1; rm x", "'\n")
    session = prepared(host, answer)
    assert session.process == {**PROCESS, "args": ["sh", "-c", "echo $1; rm x", "'\n"], "terminal": True}
    assert (session.container, session.cgroup) == ("c1", f"/sys/fs/cgroup{CGROUP}")
    assert (answer["release"], answer["colour"]) == ("r1", "blue")
    entry = audited(host)
    assert (entry["outcome"], entry["by"], entry["why"]) == ("exec", "ann@laptop", "a look")
    assert entry["command"] == ["sh", "-c", "echo $1; rm x", "'\n"]
    assert entry["project"] == "shop-app"


def test_run_is_a_container_of_the_same_image_and_options(host: FakeHost) -> None:
    session = prepared(host, asked(host, "run", "--privileged", "; reboot", "-v", "/:/host"))
    place = session.argv.index("--")
    image = session.argv[place + 1]
    assert session.argv[place - 1] == '--entrypoint=["--privileged"]'
    assert session.argv[place + 2 :] == ("; reboot", "-v", "/:/host"), "words are never options"
    assert host.podman.app(image) is not None
    assert session.process is None


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.parent.name + "/" + path.parts[-5])
def test_every_unit_that_is_rendered_can_be_a_one_off_container(path: Path) -> None:
    modules, options = container.options(path.read_text())
    for needed in (
        "--network=codeb-",
        "--security-opt=no-new-privileges",
        "--cap-drop=all",
        "--pids-limit=",
        "--memory=",
    ):
        assert any(word.startswith(needed) for word in options), needed
    assert f"--env-file=/etc/codeb/projects/{path.parent.name}/blue.env" in options
    assert not [word for word in options if word.startswith(("--publish", "--name", "--log", "--label"))]
    assert ("ReadOnly=true" in path.read_text()) == ("--read-only=true" in options)
    assert len(modules) == path.read_text().count("ContainersConfModule=")


def test_a_unit_with_something_unknown_around_the_container_is_refused() -> None:
    with pytest.raises(Failed, match="SeccompProfile="):
        container.options("[Container]\nImage=x\nSeccompProfile=/strict.json\n")


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("db", "postgres", ["psql"]),
        (
            "cache",
            "redis-shop-app",
            ["redis-cli", "-h", "127.0.0.1", "--user", "shop", "--no-auth-warning", "-n", "0"],
        ),
        ("storage", "minio", ["sh"]),
    ],
)
def test_a_console_is_the_services_own_client_as_the_projects_user(
    host: FakeHost, kind: str, name: str, words: list[str]
) -> None:
    answer = asked(host, kind)
    session = prepared(host, answer)
    place = session.argv.index("--")
    assert [json.loads(session.argv[place - 1].partition("=")[2])[0], *session.argv[place + 2 :]] == words
    for option in (f"--network=ns:/run/netns/{name}", "--user=65534:65534", "--read-only", "--cap-drop=all"):
        assert option in session.argv
    assert PASSWORD in str(dict(session.environment))
    assert PASSWORD not in json.dumps([session.argv, session.what, answer]) + told(host)
    assert audited(host)["outcome"] == f"console {kind}"
    assert "command" not in audited(host)


def test_the_login_goes_where_the_service_is(host: FakeHost) -> None:
    del host.files["/etc/containers/systemd/postgres.container"]
    answer = asked(host, "db")
    assert "token" not in answer
    assert answer["login"]["password"] == PASSWORD, "for the agent of the server that has it"
    other = new_host()
    with pytest.raises(Failed, match=r"nothing on this host listens at 10\.77\.0\.2:5432"):
        asked(other, "db", login=answer["login"])
    other.put("/etc/containers/systemd/postgres.container", "PublishPort=10.77.0.2:5432:5432\n")
    inspected(other, "postgres", Image="i", NetworkSettings={"SandboxKey": "/run/netns/x"})
    session = prepared(other, asked(other, "db", login=answer["login"]))
    assert session.environment["PGUSER"] == "shop"
    assert PASSWORD not in told(other)


@pytest.mark.parametrize("kind", ["exec", "run", "db"])
def test_a_project_that_does_not_serve_here_has_no_session(kind: str) -> None:
    with pytest.raises(Failed, match="shop-app has no release that serves on this host"):
        asked(new_host(), kind, *(["ls"] if kind in ("exec", "run") else []))


def test_a_container_that_does_not_run_or_is_another_runtimes_is_not_entered(host: FakeHost) -> None:
    inspected(host, "codeb-shop-app-blue", running=False)
    with pytest.raises(Failed, match="codeb-shop-app-blue does not run"):
        asked(host, "exec", "ls")
    inspected(
        host,
        "codeb-shop-app-blue",
        Id="c1",
        OCIConfigPath="/var/lib/containers/app/config.json",
        OCIRuntime="runc",
    )
    with pytest.raises(Failed, match="under runc"):
        asked(host, "exec", "ls")


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "shell"},
        {"project": "../etc"},
        {"project": "shop;reboot"},
        {"project": "-shop"},
        {"command": []},
        {"command": [""]},
        {"command": ["ls\0"]},
        {"command": [1]},
        {"command": "ls"},
        {"command": ["x"] * 1001},
        {"command": ["x" * 60_000, "y" * 60_000]},
        {"terminal": "yes"},
        {"idle_minutes": 0},
        {"idle_minutes": 1e9},
        {"kind": "db", "command": ["select 1"]},
        {"kind": "exec", "login": {"host": "h", "port": 1, "user": "u", "place": "p", "password": "x"}},
        {
            "kind": "db",
            "command": [],
            "login": {"host": "h", "port": 1, "user": "--eval", "place": "p", "password": "x"},
        },
        {
            "kind": "db",
            "command": [],
            "login": {"host": "h", "port": 1, "user": "u", "place": "-n 0", "password": "x"},
        },
        {
            "kind": "db",
            "command": [],
            "login": {"host": "h", "port": 1, "user": "u", "place": "p", "password": "x\ny"},
        },
        {"more": 1},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)
def test_hostile_documents_are_refused(changes: dict[str, object]) -> None:
    document = {"kind": "exec", "project": "shop", "command": ["ls"], "terminal": False, **changes}
    with pytest.raises(BadDocument):
        read_wish(Reader(document, ""), "root")


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",))),
        min_size=1,
        max_size=5,
    )
)
def test_any_words_reach_the_command_as_they_are(words: list[str]) -> None:
    document = {"kind": "run", "project": "shop", "command": ["x", *words], "terminal": False}
    assert list(read_wish(Reader(document, ""), "root").command) == ["x", *words]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("cache", {"REDIS_USERNAME": "--eval"}),
        ("cache", {"REDIS_DB": "0 --eval"}),
        ("cache", {"REDIS_PORT": "x"}),
        ("storage", {"MINIO_BUCKET": "$(reboot)"}),
        ("storage", {"MINIO_ACCESS_KEY": "a b"}),
        ("db", {"DATABASE_URL": "mysql:"}),
        ("db", {"DATABASE_URL": f"postgresql://u:{PASSWORD}@h:99999999/d"}),
        ("db", {"DATABASE_URL": f"postgresql://u -c x:{PASSWORD}@h/d"}),
    ],
)
def test_what_an_app_s_variables_say_is_read_as_strictly(kind: str, changes: dict[str, str]) -> None:
    with pytest.raises(Failed) as caught:
        services.login_of(kind, "shop", {**ENVIRONMENT, **changes})
    assert PASSWORD not in caught.value.failure.text()


def test_buckets_at_vultr_have_no_console() -> None:
    """Nor is a login of theirs handed to another server."""
    there = {**ENVIRONMENT, "MINIO_ENDPOINT": "https://ewr1.vultrobjects.com"}
    with pytest.raises(Failed, match="at Vultr's Object Storage") as refused:
        services.login_of("storage", "shop", there)
    assert PASSWORD not in str(refused.value)


def test_a_login_of_a_later_rotation_is_one() -> None:
    url = ENVIRONMENT["DATABASE_URL"].replace("shop:", "food_delivery.2:")
    assert services.login_of("db", "shop", {**ENVIRONMENT, "DATABASE_URL": url}).user == "food_delivery.2"
    assert (
        services.login_of("storage", "shop", {**ENVIRONMENT, "MINIO_ACCESS_KEY": "shop.12"}).user == "shop.12"
    )
    for hostile in ("shop.x", "shop..2", ".2", "shop.2/x", "shop.1234", "shop.2;"):
        with pytest.raises(Failed):
            services.login_of("storage", "shop", {**ENVIRONMENT, "MINIO_ACCESS_KEY": hostile})


def test_a_session_that_nobody_began_is_forgotten(host: FakeHost) -> None:
    old = asked(host, "db")["token"]
    timer = next(words for words in host.calls if "--on-active=60s" in words)
    assert timer[-3:] == ["rm", "--force", f"/run/codeb/sessions/{old}.wanted"]
    host.time += 61
    new = asked(host, "db")["token"]
    assert [name for name in host.files if name.startswith("/run/codeb/")] == [
        f"/run/codeb/sessions/{new}.wanted"
    ]


def test_no_words_are_read_by_a_shell(host: FakeHost) -> None:
    asked(host, "exec", "sh")
    asked(host, "db")
    assert all(word not in ("sh", "-c", "bash") for words in host.calls for word in words), shlex.join(
        host.calls[-1]
    )


def test_a_cache_at_vultr_s_valkey_has_no_console() -> None:
    there = {**ENVIRONMENT, "REDIS_HOST": "vultr-prod-1.vultrdb.example", "REDIS_TLS": "true"}
    with pytest.raises(Failed, match="at Vultr's managed Valkey") as caught:
        services.login_of("cache", "shop", there)
    assert PASSWORD not in caught.value.failure.text()
    assert services.login_of("db", "shop", there).user == "shop"
