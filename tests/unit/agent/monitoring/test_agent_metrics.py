"""The verb `metrics`: what the node exporter reads of this host's projects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.documents.reader import Reader
from agent.host import commands, paths
from agent.host.ports import NoReply, Result, Tls, Validity
from agent.monitoring import programs, validity
from agent.monitoring.metrics import metrics
from tests.unit.agent.fakes.documents import release_document, worker
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.series import Series, read
from tests.unit.agent.verbs import V1, V2, call, new_host, run

ALERTS = {"error_percent": 5.0, "p95_ms": 1000}
RESTARTS = ("codeb-*-blue.service", "codeb-*-green.service")
DAY = 86_400


@pytest.fixture
def host() -> FakeHost:
    found = new_host()
    found.folders.add(paths.TEXTFILES)
    found.answers[" ".join(programs.killed_for_memory(""))] = Result(0)
    return found


def series(host: FakeHost) -> Series:
    """What is in the file after a run."""
    answer = metrics(host.ports(), Reader({}, ""), "timer")
    entry = host.files[paths.SERIES]
    assert (answer["ok"], entry.mode, entry.owner) == (True, 0o644, "root:root")
    found = read(entry.content)
    assert answer["series"] == len(found)
    return found


def of(found: Series, name: str, project: str = "shop-app", **more: str) -> float | None:
    return found.get((name, (("project", project), *more.items())))


def test_a_release_shows_with_what_it_is_and_what_is_to_be_told(host: FakeHost) -> None:
    run(host, V1, alerts=ALERTS, metrics_path="/api/metrics")
    found = series(host)
    info = next(dict(key) for name, key in found if name == "codeb_project_info")
    digest = info.pop("image_digest12")
    assert info == {
        "project": "shop-app", "domain": "shop-app.lab.test", "colour": "blue", "release": "r1", "image": V1,
    }  # fmt: skip
    assert len(digest) == 12
    assert of(found, "codeb_project_healthy") == 1
    assert of(found, "codeb_project_maintenance") == 0
    assert of(found, "codeb_alert_enabled") == 1
    assert of(found, "codeb_alert_error_ratio") == 0.05
    assert of(found, "codeb_alert_p95_seconds") == 1
    assert of(found, "codeb_project_scraped") == 1
    assert found["codeb_release_timestamp_seconds", (("project", "shop-app"), ("release", "r1"))] >= EPOCH
    assert found["codeb_site_info", (("host", "shop-app.lab.test"), ("project", "shop-app"))] == 1


def test_a_document_of_before_has_no_alerts_and_no_metrics_of_its_own(host: FakeHost) -> None:
    run(host, V1)
    names = {name for name, _ in series(host)}
    assert "codeb_project_healthy" in names
    assert not [name for name in names if name.startswith("codeb_alert") or name == "codeb_project_scraped"]


def test_thresholds_reach_a_release_that_runs_without_another_container(host: FakeHost) -> None:
    run(host, V1)
    before = host.systemd.running["codeb-shop-app-blue.service"]
    answer = run(host, V1, alerts={"error_percent": 0.5, "p95_ms": 250})
    assert answer["active"] == "blue"
    assert host.systemd.running["codeb-shop-app-blue.service"] is before
    found = series(host)
    assert of(found, "codeb_alert_error_ratio") == 0.005
    assert of(found, "codeb_alert_p95_seconds") == 0.25
    run(host, V1, alerts=None)
    assert of(series(host), "codeb_alert_enabled") is None, "nobody is to be told any more"


@pytest.mark.parametrize(
    "alerts",
    [
        {"error_percent": 0, "p95_ms": 1000},
        {"error_percent": 101, "p95_ms": 1000},
        {"error_percent": float("nan"), "p95_ms": 1000},
        {"error_percent": 5, "p95_ms": 0},
        {"error_percent": 5, "p95_ms": 1000, "more": 1},
        {"error_percent": "5", "p95_ms": 1000},
        {"p95_ms": 1000},
    ],
)
def test_wrong_thresholds_are_refused_before_anything_happens(host: FakeHost, alerts: dict[str, Any]) -> None:
    assert call(host.ports(), "release", release_document(V1, alerts=alerts))[0] == 2
    assert call(host.ports(), "release", release_document(V1, metrics_path="/a b\n"))[0] == 2
    assert not host.systemd.running


def test_an_app_that_does_not_answer_and_one_in_maintenance_show(host: FakeHost) -> None:
    run(host, V1)
    host.podman.images[V1] = App(status=500)
    host.put(paths.maintenance_page("shop-app"), "<p>soon</p>")
    for image in list(host.podman.images):
        host.podman.images[image] = App(status=500)
    found = series(host)
    assert of(found, "codeb_project_healthy") == 0
    assert of(found, "codeb_project_maintenance") == 1


def test_a_project_that_serves_nothing_is_not_healthy_and_has_no_release(host: FakeHost) -> None:
    run(host, V1)
    del host.files[paths.upstream("shop-app")]
    found = series(host)
    assert of(found, "codeb_project_healthy") == 0
    assert not [key for key in found if key[0] == "codeb_project_info"]


def test_a_project_whose_record_cannot_be_read_is_not_healthy_and_the_others_are_as_they_were(
    host: FakeHost,
) -> None:
    run(host, V1)
    host.put(paths.record("other-app"), "{not json")
    found = series(host)
    assert of(found, "codeb_project_healthy") == 1
    assert [name for name, labels in found if ("project", "other-app") in labels] == ["codeb_project_healthy"]
    assert of(found, "codeb_project_healthy", "other-app") == 0


def test_restarts_are_systemd_s_of_both_colours(host: FakeHost) -> None:
    run(host, V1)
    run(host, V2)
    host.answers[" ".join(commands.restarts(RESTARTS))] = Result(
        0,
        "Id=codeb-shop-app-green.service\nNRestarts=3\nStateChangeTimestamp=@1\n\n"
        "Id=codeb-gone-blue.service\nNRestarts=9\nStateChangeTimestamp=@1\n",
    )
    found = series(host)
    assert of(found, "codeb_project_restarts_total", colour="green") == 3
    assert of(found, "codeb_project_restarts_total", colour="blue") == 0, "what was never 0 never rises"
    assert not [key for key in found if ("project", "gone") in key[1]]


def killed(cursor: str, *units: str) -> Result:
    rows = [{"UNIT": unit, "__CURSOR": f"{cursor}{number}"} for number, unit in enumerate(units)]
    return Result(0, "not JSON\n" + "".join(f"{json.dumps(row)}\n" for row in rows))


def test_what_the_kernel_killed_is_counted_once_and_for_good(host: FakeHost) -> None:
    run(host, V1, workers=[worker("mail")])
    app, mail = "codeb-shop-app-blue.service", "codeb-shop-app-blue-w-mail@1.service"
    host.answers[" ".join(programs.killed_for_memory(""))] = killed("a", app, "ssh.service", mail)
    host.answers[" ".join(programs.killed_for_memory("a2"))] = Result(0)
    assert of(series(host), "codeb_project_oom_total", colour="blue") == 2
    assert of(series(host), "codeb_project_oom_total", colour="blue") == 2, "seen already"
    host.answers[" ".join(programs.killed_for_memory("a2"))] = killed("b", app)
    host.answers[" ".join(programs.killed_for_memory("b0"))] = Result(1, err="no journal")
    assert of(series(host), "codeb_project_oom_total", colour="blue") == 3
    assert of(series(host), "codeb_project_oom_total", colour="blue") == 3, "a journal that says nothing"


def test_a_memory_that_cannot_be_read_is_begun_anew(host: FakeHost) -> None:
    run(host, V1)
    for text in ("{", '{"version": 1}', '{"cursor": "x", "killed": {"a": -1}, "certificates": {}}'):
        host.put(paths.METRICS_STATE, text)
        assert of(series(host), "codeb_project_oom_total", colour="blue") == 0
        assert any("begun anew" in line for line in host.journal)


def test_a_certificate_is_looked_at_once_an_hour_and_stays_known_while_caddy_is_down(host: FakeHost) -> None:
    run(host, V1)
    key = (("host", "shop-app.lab.test"), ("project", "shop-app"))
    began = host.time
    found = series(host)
    assert found["codeb_certificate_expires_timestamp_seconds", key] == pytest.approx(began + 60 * DAY, abs=2)
    assert found["codeb_certificate_lifetime_seconds", key] == 90 * DAY
    host.http.certificate_holds = Validity(90, 90)
    host.advance(60)
    assert series(host)["codeb_certificate_expires_timestamp_seconds", key] < began + 61 * DAY
    host.advance(validity.AGAIN_S)
    assert series(host)["codeb_certificate_expires_timestamp_seconds", key] > began + 89 * DAY
    host.http.certificate = refuses  # type: ignore[method-assign]
    host.advance(validity.AGAIN_S)
    assert series(host)["codeb_certificate_expires_timestamp_seconds", key] > began + 89 * DAY


def refuses(address: str, tls: Tls, timeout_ms: int) -> Validity:
    raise NoReply("refused the connection")


def test_a_name_without_a_certificate_has_no_series_and_gets_one_soon_after_it_comes(host: FakeHost) -> None:
    run(host, V1)
    host.caddy.certificate = False
    assert not [key for key in series(host) if key[0].startswith("codeb_certificate")]
    host.caddy.certificate = True
    host.advance(validity.MISSING_S)
    assert [key for key in series(host) if key[0].startswith("codeb_certificate")]


def test_of_many_names_some_are_looked_at_at_a_time_and_all_in_the_end(host: FakeHost) -> None:
    names = [f"n{number}.lab.test" for number in range(validity.AT_ONCE + 5)]
    host.put(paths.site("many"), f"{', '.join(names)} {{\n}}\n\n*.wild.test {{\n}}\n")
    first = {key for key in series(host) if key[0] == "codeb_certificate_lifetime_seconds"}
    assert len(first) == validity.AT_ONCE
    assert len({key for key in series(host) if key[0] == "codeb_certificate_lifetime_seconds"}) == len(names)
    assert ("codeb_site_info", (("host", "*.wild.test"), ("project", "many"))) in series(host)


def test_a_site_without_tls_has_no_certificate_to_look_at(host: FakeHost) -> None:
    host.put(paths.site("plain"), "http://plain.lab.test {\n}\n")
    found = series(host)
    assert found["codeb_site_info", (("host", "plain.lab.test"), ("project", "plain"))] == 1
    assert not [key for key in found if key[0].startswith("codeb_certificate")]


def test_podman_is_asked_for_nothing_while_nothing_ends(host: FakeHost) -> None:
    for number in range(5):
        document = release_document(V1, f"app-{number}", (3001 + 2 * number, 3002 + 2 * number), cache=None)
        assert call(host.ports(), "release", document)[0] == 0
    host.calls.clear()
    assert len([key for key in series(host) if key[0] == "codeb_project_healthy"]) == 5
    assert [words[0] for words in host.calls].count("podman") == 0
    assert [words[0] for words in host.calls].count("systemctl") == 3


def test_without_a_node_exporter_nothing_is_written(host: FakeHost) -> None:
    run(host, V1)
    host.folders.clear()
    before = dict(host.files)
    assert metrics(host.ports(), Reader({}, ""), "timer") == {"ok": True, "written": False, "series": 0}
    assert host.files == before


def test_two_runs_at_once_do_not_write_over_each_other(host: FakeHost) -> None:
    host.held.add(f"{paths.METRICS_STATE}.lock")
    assert metrics(host.ports(), Reader({}, ""), "timer")["written"] is False
    assert paths.SERIES not in host.files


ANEW = ["systemctl", "restart", "--no-block", "codeb-metrics.service"]


def test_each_verb_that_changes_a_project_has_the_series_written_anew(host: FakeHost) -> None:
    host.put("/etc/systemd/system/codeb-metrics.service", "[Service]\n")
    host.answers[" ".join(ANEW)] = Result(0)
    failing = release_document("reg.lab:5000/none:1")
    steps: list[tuple[str, dict[str, Any], int]] = [
        ("release", release_document(V1), 0),
        ("release", failing, 1),
        ("restart", {"project": "shop-app"}, 0),
        ("rollback", {"project": "shop-app"}, 1),
        ("remove", {"project": "shop-app"}, 0),
    ]
    for verb, document, code in steps:
        host.calls.clear()
        assert call(host.ports(), verb, document)[0] == code, verb
        assert host.calls[-1] == ANEW, verb
    for verb, document in (("status", {}), ("release", {"project": "x"})):
        host.calls.clear()
        call(host.ports(), verb, document)
        assert ANEW not in host.calls, f"{verb} changes nothing"


def test_a_host_without_monitoring_starts_nothing_after_a_release(host: FakeHost) -> None:
    assert call(host.ports(), "release", release_document(V1))[0] == 0
    assert ANEW not in host.calls
