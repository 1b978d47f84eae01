"""Workers through releases, rollbacks, restarts and removal; the kill tests hold them to their rules at every effect."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.project.spec_reader import read_release
from agent.release.drive import release, restart
from tests.unit.agent.fakes.documents import release_document, worker
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import JOB, V1, V2, back, call, fails, new_host, run, serves

MAIL, LONE = worker("mail", 2), worker("lone", exclusive=True)
BOTH = [MAIL, LONE]
RECORD = "/var/lib/codeb/projects/shop-app.json"


def workers_of(host: FakeHost) -> list[str]:
    return sorted(name.removeprefix("codeb-shop-app-") for name in host.systemd.running if "@" in name)


def all_of(colour: str) -> list[str]:
    return [f"{colour}-w-lone@1.service", f"{colour}-w-mail@1.service", f"{colour}-w-mail@2.service"]


def again(host: FakeHost, **changes: Any) -> dict[str, object]:
    return restart(host.ports(), Reader({"project": "shop-app", **changes}, ""), "tester")


def starts_and_stops(host: FakeHost) -> list[str]:
    """What was done to workers, in order: `start blue mail`."""
    found = []
    for words in host.calls:
        if words[:2] in (["systemctl", "start"], ["systemctl", "stop"]):
            for unit in words[2:]:
                if "-w-" in unit:
                    colour, _, rest = unit.removeprefix("codeb-shop-app-").partition("-w-")
                    found.append(f"{words[1]} {colour} {rest.partition('@')[0]}")
    return list(dict.fromkeys(found))


def test_workers_follow_each_release_and_stand_by_never() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    assert workers_of(host) == all_of("blue")
    run(host, V2, workers=BOTH)
    assert workers_of(host) == all_of("green")
    assert "codeb-shop-app-blue.service" in host.systemd.running, "the old app stands by, without its workers"
    host.reboot()
    assert workers_of(host) == all_of("green")


def test_new_workers_start_before_old_ones_end_and_exclusive_ones_after() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    host.calls.clear()
    run(host, V2, workers=BOTH)
    assert starts_and_stops(host) == [
        *("start green mail", "stop blue lone", "start green lone", "stop blue mail"),
    ]


def test_a_worker_that_becomes_exclusive_waits_for_its_kind_and_so_does_one_that_was() -> None:
    host = new_host()
    run(host, V1, workers=[worker("x", 2)])
    host.calls.clear()
    run(host, V2, workers=[worker("x", exclusive=True)])
    assert starts_and_stops(host) == ["stop blue x", "start green x"]
    host.calls.clear()
    run(host, V1, workers=[worker("x", 2)])
    assert starts_and_stops(host) == ["stop green x", "start blue x"]
    assert workers_of(host) == ["blue-w-x@1.service", "blue-w-x@2.service"]


@pytest.mark.parametrize("kind", [MAIL, LONE], ids=["shared", "exclusive"])
def test_a_worker_that_ends_by_itself_fails_the_release_and_the_old_ones_work_on(
    kind: dict[str, Any],
) -> None:
    host = new_host()
    run(host, V1, workers=[kind])
    before = workers_of(host)
    host.podman.registry[V2] = App(worker_crashes=True)
    failure = fails(host, V2, workers=[kind]).failure
    assert failure.phase == "workers"
    assert f"w-{kind['name']}@1.service ended: exit code" in failure.cause
    assert "hunter2" not in str(failure)
    assert (serves(host), workers_of(host)) == (V1, before)


def test_a_release_that_fails_before_its_workers_leaves_the_old_ones_alone() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    host.calls.clear()
    host.podman.registry[V2] = App(status=500)
    fails(host, V2, workers=BOTH)
    assert workers_of(host) == all_of("blue")
    assert starts_and_stops(host) == []


def test_a_rollback_takes_the_workers_along_at_once_and_after_the_standby() -> None:
    for hours in (0, 2):
        host = new_host()
        run(host, V1, workers=BOTH)
        run(host, V2, workers=[worker("other")])
        host.advance(hours * 3600)
        back(host)
        assert workers_of(host) == all_of("blue")
        back(host, forward=True)
        assert workers_of(host) == ["green-w-other@1.service"]


def test_users_go_back_before_workers_are_waited_for() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    run(host, V2, workers=BOTH)
    host.calls.clear()
    began = host.time
    host.after = lambda: (
        seen.append(host.time) if host.tell("/etc/caddy/upstreams/shop-app") == "127.0.0.1:3001" else None
    )
    seen: list[float] = []
    back(host)
    assert seen[0] - began < 1 < host.time - began


def test_another_command_or_number_of_workers_is_a_release_and_what_is_gone_leaves_nothing() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    assert run(host, V1, workers=BOTH)["changed"] is False
    run(host, V1, workers=[worker("mail", 3)])
    assert workers_of(host) == [f"green-w-mail@{number}.service" for number in (1, 2, 3)]
    run(host, V1)
    run(host, V1, workers=[])
    assert workers_of(host) == []
    assert not [path for path in host.links if "-w-" in path]
    run(host, V2)
    assert not [path for path in host.files if "-w-" in path]


def test_workers_that_somebody_stopped_are_started_by_the_next_release_of_the_same() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    for name in all_of("blue"):
        host.systemd.running.pop(f"codeb-shop-app-{name}")
    run(host, V1, workers=BOTH)
    assert workers_of(host) == all_of("blue")


def test_removal_takes_workers_units_and_links() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    run(host, V2, workers=[worker("other")])
    code, _, _ = call(host.ports(), "remove", {"version": 1, "project": "shop-app"})
    assert code == 0
    assert not host.systemd.running
    assert not [path for path in (*host.files, *host.links) if "-w-" in path]


@pytest.mark.parametrize("before", [[], [worker("old")]], ids=["first", "later"])
def test_removal_takes_workers_that_a_killed_release_started(before: list[dict[str, Any]]) -> None:
    """No record names them yet: left behind, they would work for ever, beside those of the next project of that id."""
    for kill in range(1, 300):
        host = new_host()
        if before:
            run(host, V1, workers=before)
        host.operations, host.kill_at = 0, kill
        try:
            run(host, V2, workers=BOTH)
            break
        except Killed:
            host.kill_at = 0
        _removed_in_the_end(host, 5 + kill % 30)
        left = [path for path in (*host.files, *host.links, *host.systemd.running) if "-w-" in path]
        assert left == [], f"killed at effect {kill}"
    assert kill > 50


def _removed_in_the_end(host: FakeHost, kill: int) -> None:
    """By a removal that is killed, too, and the next one."""
    document = {"version": 1, "project": "shop-app"}
    host.operations, host.kill_at = 0, kill
    with suppress(Killed):
        call(host.ports(), "remove", document)
    host.kill_at = 0
    assert call(host.ports(), "remove", document)[0] == 0


def test_removal_leaves_workers_of_a_project_whose_id_only_looks_alike() -> None:
    """`codeb-shop-app-blue-w-x-blue-w-mail` could be a worker of shop-app, and is one of shop-app-blue-w-x."""
    host, other = new_host(), "shop-app-blue-w-x"
    mail = worker("mail", 1, project=other)
    release(host.ports(), Reader(release_document(V1, other, (3003, 3004), workers=[mail]), ""), "tester")
    running = set(host.systemd.running)
    run(host, V1, workers=BOTH)
    assert call(host.ports(), "remove", {"version": 1, "project": "shop-app"})[0] == 0
    assert set(host.systemd.running) == running
    assert [path for path in host.files if path.endswith(f"{other}-blue-w-mail@.container")]


def test_status_and_doctor_know_workers() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    run(host, V2, workers=BOTH)
    _, answer, _ = call(host.ports(), "status")
    (entry,) = answer["projects"]
    assert [(w["name"], w["running"], w["replicas"], w["cause"]) for w in entry["workers"]] == [
        ("mail", 2, 2, ""),
        ("lone", 1, 1, ""),
    ]
    host.systemd.running.pop("codeb-shop-app-green-w-mail@2.service")
    host.links.pop("/etc/systemd/system/multi-user.target.wants/codeb-shop-app-green-w-lone@1.service")
    host.systemd.running["codeb-shop-app-blue-w-mail@1.service"] = host.systemd.running[
        "codeb-shop-app-blue.service"
    ]
    _, answer, _ = call(host.ports(), "status")
    assert (
        answer["projects"][0]["workers"][0]["cause"] == "codeb-shop-app-green-w-mail@2.service does not run"
    )
    _, answer, _ = call(host.ports(), "doctor")
    said = [problem["what"] for problem in answer["problems"] if "-w-" in problem["what"]]
    assert said == [
        "shop-app: its worker mail: codeb-shop-app-green-w-mail@2.service does not run",
        "shop-app: codeb-shop-app-green-w-lone@1.service doesn't start at boot",
        "shop-app: codeb-shop-app-blue-w-mail@1.service is of the release that doesn't serve, but runs or starts at boot",
    ]


def test_a_restart_starts_the_same_anew_on_the_other_colour_and_says_who_and_why() -> None:
    host = new_host()
    run(host, V1, workers=BOTH, job=JOB)
    jobs = list(host.systemd.jobs)
    answer = again(host, why="it leaks", by="ann@desk")
    assert (answer["active"], answer["changed"], answer["warnings"]) == ("green", True, [])
    assert answer["release"]["why"] == "restarted by ann@desk"  # type: ignore[index]
    assert workers_of(host) == all_of("green")
    assert host.systemd.jobs == jobs, "its release command doesn't run again"
    record = json.loads(str(host.tell(RECORD)))
    assert record["history"][0]["outcome"] == "restarted"
    audit = json.loads(str(host.tell("/var/log/codeb/audit.log")).splitlines()[-1])
    assert (audit["by"], audit["why"], audit["outcome"]) == ("ann@desk", "it leaks", "restarted")
    environments = [host.tell(f"/etc/codeb/projects/shop-app/{colour}.env") for colour in ("blue", "green")]
    assert environments[0] == environments[1]
    assert run(host, V1, workers=BOTH, job=JOB)["changed"] is False, "the next update finds what it asks for"


def test_a_restart_that_does_not_become_healthy_changes_nothing() -> None:
    host = new_host()
    run(host, V1, workers=BOTH)
    host.podman.images[V1].status = 500
    with pytest.raises(Failed, match="health"):
        again(host)
    assert workers_of(host) == all_of("blue")
    assert host.tell("/etc/caddy/upstreams/shop-app") == "127.0.0.1:3001"


def test_a_restart_says_what_can_no_longer_be_gone_back_to_and_refuses_to_forget_what_a_rollback_withdrew() -> (
    None
):
    host = new_host()
    run(host, V1)
    run(host, V2)
    (warning,) = again(host)["warnings"]  # type: ignore[misc]
    assert f"can't be rolled back to {V1} (r1) any more" in str(warning)
    host = new_host()
    run(host, V1)
    run(host, V2)
    back(host)
    with pytest.raises(Failed, match=f"would forget {V2}"):
        again(host)
    assert run(host, V2)["active"] == "blue", "the rollback still holds"


def test_after_a_restart_there_is_nothing_to_go_back_to() -> None:
    """The other colour holds the same: a rollback that goes there would look like one and help nobody."""
    host = new_host()
    run(host, V1)
    again(host)
    with pytest.raises(Failed, match=f"holds what serves, too .{V1}., as after a restart"):
        back(host)
    assert host.tell("/etc/caddy/upstreams/shop-app") == "127.0.0.1:3002"


def test_a_restart_of_what_is_not_here_says_so() -> None:
    with pytest.raises(Failed, match="has no release on this host"):
        again(new_host())


def test_records_and_undo_files_of_agents_that_knew_no_workers_are_read() -> None:
    host = new_host()
    run(host, V1)
    record = json.loads(str(host.tell(RECORD)))
    for colour in record["colours"].values():
        assert colour["spec"].pop("workers") == []
    for past in record["history"]:
        del past["why"]
    host.put(RECORD, json.dumps(record), 0o600)
    assert run(host, V1)["changed"] is False, "nothing is released anew by the update"
    host.kill_at = host.operations + 60
    with pytest.raises(Killed):
        run(host, V2, workers=BOTH)
    host.kill_at = 0
    undo = "/var/lib/codeb/projects/shop-app.undo"
    left = json.loads(str(host.tell(undo)))
    del left["workers"]
    host.put(undo, json.dumps(left), 0o600)
    run(host, V2, workers=BOTH)
    assert workers_of(host) == all_of("green")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Mail"}, "name"),
        ({"name": "../x"}, "name"),
        ({"replicas": 0}, "replicas"),
        ({"replicas": 65}, "replicas"),
        ({"replicas": 2, "exclusive": True}, "must be 1"),
        ({"stop_ms": 0}, "stop_ms"),
        ({"other": 1}, "unknown key"),
        ({"name": "post"}, "the unit of this project is"),
    ],
)
def test_workers_that_do_not_fit_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        read_release(Reader(release_document(V1, workers=[{**MAIL, **change}]), ""))


@pytest.mark.parametrize("content", ["[Container]\n", "[Container]\nImage=@IMAGE@\n[Install]\nWantedBy=x\n"])
def test_units_of_workers_need_the_image_and_no_install_section(content: str) -> None:
    units = {colour: {**MAIL["units"][colour], "content": content} for colour in ("blue", "green")}
    with pytest.raises(BadDocument, match=r"workers\.mail\.units\.blue"):
        read_release(Reader(release_document(V1, workers=[{**MAIL, "units": units}]), ""))
