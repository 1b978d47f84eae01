"""Judgements and words: health, diagnosis, redaction, the command line, status and removal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from agent_fakes import App, FakeHost, release_document
from hypothesis import given
from hypothesis import strategies as st

from agent.cli import VERBS, main, run
from agent.documents.redact import Redactor
from agent.host import paths
from agent.host.paths import unit_of
from agent.host.ports import Reply
from agent.project.health import judge
from agent.report import diagnosis

V1, V2 = "reg.lab:5000/shop:1", "reg.lab:5000/shop:2"
CADDYFILE = "/etc/caddy/Caddyfile"


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost(registry={V1: App(), V2: App()})
    host.put(CADDYFILE, "import sites/*.caddy\n")
    host.put("/etc/nftables.conf", "table inet codeb {\n}\n")
    host.answers["nft list tables"] = host.answers["sshd -T"] = _said("table inet codeb\n")
    host.answers["systemd-detect-virt --quiet --container"] = _said("")
    host.answers["systemctl list-units --failed --plain --no-legend --full"] = _said("")
    return host


def _said(text: str) -> Any:
    from agent.host.ports import Result

    return Result(0, out=text)


def call(host: FakeHost, verb: str, document: object = None) -> tuple[int, dict[str, Any], str]:
    out, err = io.StringIO(), io.StringIO()
    text = document if isinstance(document, str) else json.dumps(document or {})
    code = run(host.ports(), verb, text, out, err, "tester")
    assert out.getvalue().count("\n") == 1, "standard output is one document on one line"
    return code, json.loads(out.getvalue()), err.getvalue()


@pytest.mark.parametrize(
    ("body", "healthy"),
    [
        (b"", True),
        (b"not json", True),
        (b"[]", True),
        (b'{"database": "ok"}', True),
        (b'{"database": true, "x": 1}', True),
        (b'{"database": {"status": "UP"}}', True),
        (b'{"checks": {"database": "connected"}}', True),
        (b'{"database": null}', True),
        (b'{"database": "error"}', False),
        (b'{"database": false}', False),
        (b'{"database": {"status": "down"}}', False),
        (b'{"database": {}}', False),
        (b'{"checks": {"database": "timeout"}}', False),
    ],
)
def test_a_database_that_is_reported_has_to_be_ok(body: bytes, healthy: bool) -> None:
    assert judge(Reply(200, body, 1, {}), 500).healthy is healthy


@pytest.mark.parametrize(
    ("status", "elapsed", "healthy"), [(200, 500, True), (200, 501, False), (204, 1, False)]
)
def test_status_and_time_count(status: int, elapsed: float, healthy: bool) -> None:
    assert judge(Reply(status, b"", elapsed, {}), 500).healthy is healthy


@given(st.text(st.characters(exclude_characters="*"), min_size=6), st.text(), st.text())
def test_a_secret_never_survives_redaction(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret])(before + secret + after).replace("*****", "\0")


def test_passwords_in_urls_are_secrets_of_their_own() -> None:
    redact = Redactor(["postgresql://user:p%40ss-word-1@db:5432/x"])
    assert "word" not in redact("tried p@ss-word-1 and p%40ss-word-1")


def test_pages_of_the_app_s_own_domain_stay_readable_but_for_what_may_be_secret() -> None:
    values = ["https://shop.lab.test", "https://shop.lab.test/api", "https://shop.lab.test/hook?key=abcdef"]
    redact = Redactor([*values, "https://shop.lab.test.evil.test/x"], "shop.lab.test")
    assert (
        redact("https://shop.lab.test/api/health answered 502")
        == "https://shop.lab.test/api/health answered 502"
    )
    assert redact(values[2]) == "*****"
    assert redact("https://shop.lab.test.evil.test/x") == "*****"


def test_short_values_are_left_readable() -> None:
    assert Redactor(["3000", "true"])("port 3000 is true") == "port 3000 is true"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/etc/containers/systemd/a.container", "a.service"),
        ("/etc/containers/systemd/a.network", "a-network.service"),
        ("/etc/systemd/system/a.timer", "a.timer"),
        ("/etc/systemd/system/a.service", "a.service"),
        ("/etc/systemd/system/a.service.d/drop-in.conf", None),
        ("/etc/systemd/system/a", None),
        ("/etc/caddy/a.service", None),
    ],
)
def test_unit_files_make_units(path: str, unit: str | None) -> None:
    assert unit_of(path) == unit


def test_wrong_usage_is_told_apart_from_failure(host: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["destroy"]) == 2
    assert "usage: codeb-agent apply|release" in capsys.readouterr().err
    assert call(host, "release", "{not json")[0] == 2
    assert call(host, "release", [1])[0] == 2
    code, answer, err = call(host, "release", {"project": "x"})
    assert (code, answer["ok"]) == (2, False)
    assert "nothing was touched" in err


def test_a_failure_is_said_on_both_outputs(host: FakeHost) -> None:
    host.registry[V1] = App(status=500)
    code, answer, err = call(host, "release", release_document(V1))
    assert (code, answer["phase"]) == (1, "health")
    for part in (answer["cause"], answer["put_back"], answer["remedy"], *answer["log"]):
        assert part in err
    assert set(answer) == {"ok", "phase", "cause", "put_back", "remedy", "log"}


def test_a_defect_shows_its_place_and_no_value(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise ValueError("the password is hunter2-hunter2")

    monkeypatch.setattr("agent.release.drive.release", broken)
    code, answer, err = call(host, "release", release_document(V1))
    assert (code, "ValueError at test_agent_words.py" in answer["cause"]) == (1, True)
    assert "hunter2" not in err + json.dumps(answer)


def test_every_verb_is_there(host: FakeHost) -> None:
    verbs = {"apply", "release", "rollback", "remove", "status", "doctor", "retire", "version", "precompile"}
    assert set(VERBS) == {*verbs, "notify", "deliver"}
    assert call(host, "version")[0] == 0


def test_remove_takes_all_but_data_and_may_be_repeated(host: FakeHost) -> None:
    before = set(host.files)
    call(host, "release", release_document(V1))
    call(host, "release", release_document(V2))
    code, answer, _ = call(host, "remove", release_document(V2))
    assert (code, answer["changed"], answer["warnings"]) == (0, True, [])
    assert {path for path in host.files if "/log/" not in path} == before | {paths.CADDY_READ}
    assert (host.links, host.running, host.timers, host.sites, host.redis_users) == ({}, {}, {}, {}, {})
    assert call(host, "remove", {"project": "shop-app"})[1]["changed"] is False


def test_remove_without_the_cache_password_says_that_the_user_stays(host: FakeHost) -> None:
    call(host, "release", release_document(V1))
    answer = call(host, "remove", {"version": 1, "project": "shop-app"})[1]
    assert "cache user shop stays" in answer["warnings"][0]


def test_status_shows_every_project(host: FakeHost) -> None:
    call(host, "release", release_document(V1))
    call(host, "release", release_document(V2))
    (entry,) = call(host, "status")[1]["projects"]
    assert (entry["active"], entry["status"], entry["standby"], entry["image"]) == (
        "green",
        "healthy",
        True,
        V2,
    )
    assert [past["outcome"] for past in entry["history"]] == ["released", "released"]
    (unknown,) = call(host, "status", {"project": "nobody"})[1]["projects"]
    assert unknown["status"] == "unknown"


def test_doctor_of_a_healthy_host_finds_nothing(host: FakeHost) -> None:
    call(host, "release", release_document(V1))
    code, answer, _ = call(host, "doctor")
    assert (code, answer["problems"]) == (0, [])


def test_doctor_names_what_is_wrong_and_what_to_do(host: FakeHost) -> None:
    call(host, "release", release_document(V1))
    host.running.clear()
    host.links.clear()
    host.put("/etc/containers/systemd/codeb-ghost-blue.container", "")
    host.put("/etc/caddy/sites/shop-app.caddy", "broken")
    host.answers["nft list tables"] = _said("")
    host.answers["sshd -T"] = _said("passwordauthentication yes\n")
    host.answers["systemctl list-units --failed --plain --no-legend --full"] = _said(
        "codeb-shop-app-green.service loaded failed failed x\nfail2ban.service loaded failed failed y\n"
    )
    host.certificate = False
    code, answer, err = call(host, "doctor")
    found = " | ".join(problem["what"] for problem in answer["problems"])
    assert code == 1
    for part in (
        "blue, where users are sent, connection refused",
        "doesn't start at boot",
        "site file is not the one",
        "HTTPS doesn't answer",
        "codeb-ghost-blue.container belongs to no project",
        "Caddy would refuse",
        "firewall not loaded: inet codeb",
        "sshd allows passwords",
        "unit fail2ban.service has failed",
    ):
        assert part in found
        assert part in err
    assert "green.service has failed" not in found, "a standby that ended is no problem"
    assert all(problem["remedy"] for problem in answer["problems"])


@pytest.mark.parametrize(
    ("version", "fine"), [("5.4.2", True), ("5.10.0", True), ("6.0", True), ("5.3.9", False), ("", False)]
)
def test_podman_must_be_new_enough(version: str, fine: bool) -> None:
    assert (diagnosis.podman(version) == []) is fine


def test_a_full_disk_is_a_problem() -> None:
    assert diagnosis.disk("/", 85.0) == []
    assert "93 % full" in diagnosis.disk("/", 93.0)[0].what


def test_retire_leaves_an_empty_host_that_is_as_guarded_as_before(host: FakeHost) -> None:
    host.images["c:1"] = App()
    files = [
        {"path": "/etc/containers/systemd/caddy.container", "content": "[Container]\nImage=c:1\n"},
        {"path": "/etc/ssh/sshd_config.d/10-codeb.conf", "content": "PasswordAuthentication no\n"},
        {"path": "/etc/codeb/secrets/minio-admin", "content": "x", "mode": "0600"},
    ]
    document = {"version": 1, "files": files, "services": [{"name": "caddy.service"}]}
    assert call(host, "apply", document)[0] == 0
    call(host, "release", release_document(V1))
    host.put("/srv/codeb/postgres/PG_VERSION", "16")
    code, answer, _ = call(host, "retire", document)
    assert (code, answer["projects"]) == (0, ["shop-app"])
    assert host.running == {}
    assert host.tell("/etc/ssh/sshd_config.d/10-codeb.conf")
    assert host.tell(f"{answer['data']}/postgres/PG_VERSION") == "16"
    assert not [
        p for p in host.files if p.startswith(("/etc/codeb", "/etc/caddy", "/etc/containers", "/srv/codeb/"))
    ]
    assert call(host, "retire", document)[1]["changed"] is False


def test_retire_takes_the_outbox_and_keeps_drop_ins_of_what_guards_the_host(host: FakeHost) -> None:
    units = "/etc/systemd/system"
    guard = f"{units}/nftables.service.d/10-codeb.conf"
    paths = (f"{units}/codeb-outbox.path", f"{units}/codeb-outbox.service", guard)
    document = {"version": 1, "files": [{"path": path, "content": "[Unit]\n"} for path in paths]}
    assert call(host, "apply", document)[0] == 0
    host.enabled.add("codeb-outbox.path")
    host.put("/var/lib/codeb/outbox/1.json", "{}")
    assert call(host, "retire", document)[0] == 0
    assert "codeb-outbox.path" not in host.enabled
    assert [path for path in host.files if "outbox" in path] == []
    assert host.tell(guard)
