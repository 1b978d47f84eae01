"""What `remove` and `retire` take away, and what they leave."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.host import commands, paths
from agent.host.ports import RedisRefused, Result
from agent.images import store
from tests.unit.agent.fakes.documents import release_document, worker
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V1, V2, call, new_host


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def test_remove_takes_all_but_data_and_may_be_repeated(host: FakeHost) -> None:
    before = set(host.files)
    call(host.ports(), "release", release_document(V1))
    call(host.ports(), "release", release_document(V2))
    code, answer, _ = call(host.ports(), "remove", release_document(V2))
    assert (code, answer["changed"], answer["warnings"]) == (0, True, [])
    assert {path for path in host.files if "/log/" not in path} == before | {paths.CADDY_READ}
    assert (host.links, host.systemd.running, host.systemd.timers, host.caddy.sites, host.redis.users) == (
        {},
        {},
        {},
        {},
        {},
    )
    assert call(host.ports(), "remove", {"project": "shop-app"})[1]["changed"] is False


def test_the_address_that_a_data_server_had_before_stops_no_removal(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made anew: the release that stands by knows it at an address that nobody has."""
    before, after = release_document(V1), release_document(V2)
    before["cache"] |= {"host": "10.64.0.5"}
    after["cache"] |= {"host": "10.64.0.4"}
    call(host.ports(), "release", before)
    call(host.ports(), "release", after)
    answers = host.redis.call
    away = {"10.64.0.5"}

    def reached(address: str, *rest: Any) -> list[object]:
        if address in away:
            raise RedisRefused(f"Redis at {address} can't be reached: No route to host")
        return answers(address, *rest)

    monkeypatch.setattr(host.redis, "call", reached)
    away.add("10.64.0.4")
    assert call(host.ports(), "remove", after)[0] == 1
    away.remove("10.64.0.4")
    code, answer, _ = call(host.ports(), "remove", after)
    assert (code, answer["changed"], host.redis.users) == (0, True, {})
    (said,) = answer["warnings"]
    assert "10.64.0.5" in said
    assert "No route to host" in said
    assert call(host.ports(), "remove", after)[1]["changed"] is False


def test_remove_without_the_cache_password_says_that_the_user_stays(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    answer = call(host.ports(), "remove", {"version": 1, "project": "shop-app"})[1]
    assert "cache user shop stays" in answer["warnings"][0]


def test_retire_leaves_an_empty_host_that_is_as_guarded_as_before(host: FakeHost) -> None:
    host.podman.images["c:1"] = App()
    files = [
        {"path": "/etc/containers/systemd/caddy.container", "content": "[Container]\nImage=c:1\n"},
        {"path": "/etc/ssh/sshd_config.d/10-codeb.conf", "content": "PasswordAuthentication no\n"},
        {"path": "/etc/codeb/secrets/minio-admin", "content": "x", "mode": "0600"},
    ]
    document = {"version": 1, "files": files, "services": [{"name": "caddy.service"}]}
    assert call(host.ports(), "apply", document)[0] == 0
    call(host.ports(), "release", release_document(V1))
    host.put("/srv/codeb/postgres/PG_VERSION", "16")
    code, answer, _ = call(host.ports(), "retire", document)
    assert (code, answer["projects"]) == (0, ["shop-app"])
    assert host.systemd.running == {}
    assert host.tell("/etc/ssh/sshd_config.d/10-codeb.conf")
    assert host.tell(f"{answer['data']}/postgres/PG_VERSION") == "16"
    assert not [
        p for p in host.files if p.startswith(("/etc/codeb", "/etc/caddy", "/etc/containers", "/srv/codeb/"))
    ]
    assert call(host.ports(), "retire", document)[1]["changed"] is False


def test_retire_takes_the_outbox_and_keeps_drop_ins_of_what_guards_the_host(host: FakeHost) -> None:
    units = "/etc/systemd/system"
    guard = f"{units}/nftables.service.d/10-codeb.conf"
    paths = (f"{units}/codeb-outbox.path", f"{units}/codeb-outbox.service", guard)
    document = {"version": 1, "files": [{"path": path, "content": "[Unit]\n"} for path in paths]}
    assert call(host.ports(), "apply", document)[0] == 0
    host.systemd.enabled.add("codeb-outbox.path")
    host.put("/var/lib/codeb/outbox/1.json", "{}")
    assert call(host.ports(), "retire", document)[0] == 0
    assert "codeb-outbox.path" not in host.systemd.enabled
    assert [path for path in host.files if "outbox" in path] == []
    assert host.tell(guard)


def test_retire_takes_what_the_node_exporter_has_of_its_projects(host: FakeHost) -> None:
    for path in (paths.SERIES, paths.METRICS_STATE):
        host.put(path, "codeb_project_healthy 1")
    assert call(host.ports(), "retire", {"version": 1})[0] == 0
    assert not {paths.SERIES, paths.METRICS_STATE} & set(host.files)


def test_retire_takes_what_a_killed_first_release_has_left() -> None:
    for kill in range(1, 200):
        host = new_host()
        host.operations, host.kill_at = 0, kill
        try:
            call(host.ports(), "release", release_document(V1, workers=[worker("mail")]))
            break
        except Killed:
            host.kill_at = 0
        assert call(host.ports(), "retire", {"version": 1})[0] == 0
        everything = [
            path for path in (*host.files, *host.links, *host.systemd.running) if "/log/" not in path
        ]
        assert [path for path in everything if "shop-app" in path] == [], f"killed at effect {kill}"
    assert kill > 50


CRON = "codeb-shop-app-cron-report"


def with_cron(image: str = V1) -> dict[str, Any]:
    document = release_document(image)
    document["units"]["cron"] = [
        {
            "container": {"name": f"{CRON}.container", "content": "[Container]\nImage=@IMAGE@\n"},
            "timer": {"name": f"{CRON}.timer", "content": "[Timer]\nOnCalendar=daily\n"},
        }
    ]
    return document


@pytest.mark.parametrize("way", ["removed", "no longer in the manifest"])
def test_a_cron_job_that_failed_is_forgotten_when_it_goes(host: FakeHost, way: str) -> None:
    """systemd goes on listing a failed unit whose file is gone."""
    call(host.ports(), "release", with_cron())
    host.systemd.crashed.add(f"{CRON}.service")
    host.calls.clear()
    if way == "removed":
        call(host.ports(), "remove", {"project": "shop-app"})
    else:
        call(host.ports(), "release", release_document(V1))
    said = [
        words for words in host.calls if words[1:2] == ["reset-failed"] or words[1:2] == ["daemon-reload"]
    ]
    forgotten = said.index(["systemctl", "reset-failed", f"{CRON}.service"])
    assert ["systemctl", "reset-failed", f"{CRON}.timer"] in said
    assert ["systemctl", "daemon-reload"] in said[forgotten:]


def test_the_lock_s_file_goes_with_the_project_and_so_do_those_of_older_removals(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    call(host.ports(), "release", other_release(V1, "stays-app"))
    for name in ("shop-app", "stays-app", "left-app", "busy-app"):
        host.put(paths.project_lock(name), "")
    host.put(paths.undo("killed-app"), "{}")
    host.put(paths.project_lock("killed-app"), "")
    host.held.add(paths.project_lock("busy-app"))
    call(host.ports(), "remove", {"project": "shop-app"})
    names = ("busy-app", "killed-app", "stays-app")
    assert [p for p in sorted(host.files) if p.endswith(".lock")] == [paths.project_lock(n) for n in names]


def test_removing_what_is_not_here_leaves_no_file(host: FakeHost) -> None:
    before = dict(host.files)
    call(host.ports(), "remove", {"project": "nobody-app"})
    assert host.files == before


def test_the_images_go_with_the_project(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    call(host.ports(), "release", release_document(V2))
    assert sorted(host.podman.images) == [V1, V2]
    call(host.ports(), "remove", {"project": "shop-app"})
    assert host.podman.images == {}
    assert paths.IMAGES_OWED not in host.files


OTHER = "reg.lab:5000/other:1"


def other_release(image: str = OTHER, project: str = "other-app") -> dict[str, Any]:
    text = json.dumps(release_document(image, project)).replace("3001", "3003").replace("3002", "3004")
    return dict(json.loads(text))


def test_images_that_could_not_go_with_the_project_go_with_the_next_release_of_another(
    host: FakeHost,
) -> None:
    """While somebody else releases nothing is removed; nobody else has this repository in a record."""
    host.podman.registry[OTHER] = App()
    call(host.ports(), "release", release_document(V1))
    host.put(paths.project_lock("other-app"), "")
    host.held.add(paths.project_lock("other-app"))
    call(host.ports(), "remove", {"project": "shop-app"})
    assert list(host.podman.images) == [V1]
    host.held.clear()
    assert call(host.ports(), "release", other_release())[0] == 0
    assert list(host.podman.images) == [OTHER]
    assert paths.IMAGES_OWED not in host.files


def test_a_removal_that_is_killed_anywhere_leaves_no_image_for_good() -> None:
    for kill in range(1, 200):
        host = new_host()
        host.podman.registry[OTHER] = App()
        call(host.ports(), "release", release_document(V1))
        host.operations, host.kill_at = 0, kill
        try:
            call(host.ports(), "remove", {"project": "shop-app"})
            break
        except Killed:
            host.kill_at = 0
            host.held.clear()
        call(host.ports(), "remove", {"project": "shop-app"})
        call(host.ports(), "release", other_release())
        assert list(host.podman.images) == [OTHER], f"killed at effect {kill}"
    assert kill > 10


def test_images_of_which_one_is_in_use_are_tried_again(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    listed = json.loads(host.podman.podman(["image", "ls", "--format", "json"]).out)
    names = [name for image in listed for name in image["Names"] or [image["Id"]]]
    host.answers[" ".join(commands.remove_images(names))] = Result(2, err="image is in use by a container")
    call(host.ports(), "remove", {"project": "shop-app"})
    assert host.tell(paths.IMAGES_OWED) == "reg.lab:5000/shop"
    host.answers.clear()
    store.prune(host.ports(), "any-app")
    assert host.podman.images == {}


def test_a_removal_does_not_fail_for_its_images(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    host.held.add(paths.IMAGES_LOCK)
    code, answer, _ = call(host.ports(), "remove", {"project": "shop-app"})
    assert (code, answer["changed"]) == (0, True)
    assert "its images may stay" in " ".join(host.journal)


def test_what_edges_have_sent_here_is_answered_before_anything_stops(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    start, serving = host.time, set(host.systemd.running)
    head = "sl local rem st"
    row = "0: 0100007F:1FA4 0100007F:9C40 01 0 0 0 0 0 7"
    host.put("/proc/net/tcp", f"{head}\n{row}")
    kept: list[float] = []

    def one_more_answer() -> None:
        if serving <= set(host.systemd.running):
            kept.append(host.time - start)
        if host.time - start > 20:
            host.put("/proc/net/tcp", head)

    host.after = one_more_answer
    assert call(host.ports(), "retire", {"version": 1})[0] == 0
    assert max(kept) >= 20
    assert not host.systemd.running
    assert host.time - start < 40


def test_who_waits_for_ever_keeps_no_server_from_going(host: FakeHost) -> None:
    call(host.ports(), "release", release_document(V1))
    host.put("/proc/net/tcp", "head\n0: 0100007F:1FA4 0100007F:9C40 01 0 0 0 0 0 7")
    start = host.time
    assert call(host.ports(), "retire", {"version": 1})[0] == 0
    assert host.time - start < 120
