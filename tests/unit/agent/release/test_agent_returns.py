"""Going back and forward: rollbacks that hold, standbys that resume, and what people are told of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import UPSTREAM, V1, V2, V3, back, fails, new_host, run, serves


@pytest.fixture
def host() -> FakeHost:
    host = new_host()
    run(host)
    run(host, V2)
    return host


def release_of(answer: dict[str, object]) -> dict[str, Any]:
    found = answer["release"]
    assert isinstance(found, dict)
    return found


def test_a_rollback_says_from_which_release_and_by_whom(host: FakeHost) -> None:
    release = release_of(back(host, by="ann@laptop"))
    assert release["id"] == "r3"
    assert release["image"] == V1
    assert release["by"] == "ann@laptop"
    assert release["why"] == f"rolled back from r2 ({V2}) by ann@laptop"


def test_the_same_document_does_not_undo_a_rollback_and_says_so(host: FakeHost) -> None:
    back(host)
    answer = run(host, V2)
    assert (answer["image"], answer["changed"]) == (V1, False)
    assert serves(host) == V1
    assert any("was withdrawn" in warning and "--forward" in warning for warning in answer["warnings"])  # type: ignore[attr-defined]


def test_a_rollback_holds_for_the_container_but_not_for_the_site_around_it(host: FakeHost) -> None:
    back(host)
    site = "shop-app.lab.test {\n# other\n}\n"
    assert run(host, V2, site=site)["image"] == V1
    assert host.caddy.sites["/etc/caddy/sites/shop-app.caddy"] == site.encode()
    assert run(host, V2, site=site)["changed"] is False
    assert serves(host) == V1


@pytest.mark.parametrize("change", [{"image": V3}, {"environment": {"PORT": "3000", "NEW": "1"}}])
def test_a_changed_document_ends_a_rollback(host: FakeHost, change: dict[str, Any]) -> None:
    back(host)
    answer = run(host, change.get("image", V2), **{k: v for k, v in change.items() if k != "image"})
    assert answer["image"] == change.get("image", V2)
    assert release_of(answer)["why"] == "released"


def test_forward_takes_a_rollback_back_at_once(host: FakeHost) -> None:
    back(host)
    started = host.systemd.running["codeb-shop-app-green.service"].started
    answer = back(host, forward=True, by="bob")
    assert serves(host) == V2
    assert host.systemd.running["codeb-shop-app-green.service"].started == started
    assert release_of(answer)["why"] == "rolled forward by bob"
    assert run(host, V2)["changed"] is False
    assert back(host)["image"] == V1


def test_forward_without_a_rollback_stays_where_it_is(host: FakeHost) -> None:
    answer = back(host, forward=True)
    assert (answer["image"], answer["changed"]) == (V2, False)


def test_a_manifest_set_back_resumes_the_standby_without_a_start(host: FakeHost) -> None:
    started = host.systemd.running["codeb-shop-app-blue.service"].started
    before = host.time
    answer = run(host, V1)
    assert serves(host) == V1
    assert host.systemd.running["codeb-shop-app-blue.service"].started == started
    assert host.time - before < 1
    assert release_of(answer)["why"] == "released again"
    assert run(host, V1)["changed"] is False


def test_a_manifest_set_back_after_the_standby_starts_the_old_release(host: FakeHost) -> None:
    host.advance(7200)
    run(host, V1)
    assert serves(host) == V1


def test_a_manifest_set_back_to_a_release_whose_image_is_gone_pulls_it(host: FakeHost) -> None:
    host.advance(7200)
    del host.podman.images[V1]
    assert run(host, V1)["image"] == V1
    assert serves(host) == V1


def test_a_manifest_set_to_what_was_rolled_back_to_accepts_the_rollback(host: FakeHost) -> None:
    back(host)
    run(host, V1)
    assert run(host, V2)["image"] == V2


def test_a_sick_release_that_was_rolled_back_to_does_not_hold(host: FakeHost) -> None:
    back(host)
    host.podman.images[V1].status = 500
    assert run(host, V2)["image"] == V2


def test_a_rollback_keeps_the_maintenance_page_of_now(host: FakeHost) -> None:
    maintenance = {"page": "<p>soon</p>", "retry_after_s": 60}
    run(host, V2, maintenance=maintenance)
    back(host)
    record = json.loads(str(host.tell("/var/lib/codeb/projects/shop-app.json")))
    assert record["colours"]["blue"]["spec"]["maintenance"] == maintenance


def test_ids_count_up_over_failures_and_rollbacks(host: FakeHost) -> None:
    host.podman.registry[V3] = App(status=500)
    fails(host, V3)
    back(host)
    record = json.loads(str(host.tell("/var/lib/codeb/projects/shop-app.json")))
    assert [(past["id"], past["outcome"]) for past in record["history"]] == [
        ("r4", "rolled-back"),
        ("r3", "failed"),
        ("r2", "released"),
        ("r1", "released"),
    ]


def test_a_record_of_an_earlier_agent_is_read(host: FakeHost) -> None:
    path = "/var/lib/codeb/projects/shop-app.json"
    record = json.loads(str(host.tell(path)))
    del record["count"]
    for known in record["colours"].values():
        for key in ("release_id", "by", "why"):
            del known[key]
        for key in ("job", "canary", "maintenance", "sentry_project", "stage"):
            del known["spec"][key]
    for past in record["history"]:
        del past["id"]
    host.put(path, json.dumps(record), 0o600)
    assert run(host, V2)["changed"] is False
    assert release_of(run(host, V3))["id"] == "r3"


def test_a_rollback_without_an_earlier_release_says_so() -> None:
    host = new_host()
    run(host)
    with pytest.raises(Failed, match="no earlier release"):
        back(host)


def test_a_rollback_holds_where_the_withdrawn_release_has_other_ports() -> None:
    host = new_host()
    run(host, V1)
    run(host, V1, pair=(3101, 3102))
    back(host)
    assert run(host, V1, pair=(3101, 3102))["changed"] is False
    assert host.tell(UPSTREAM) == "127.0.0.1:3001"


def test_what_a_person_says_of_a_rollback_is_in_its_history_and_the_audit_log() -> None:
    host = new_host()
    run(host, V1)
    run(host, V2)
    back(host, by="ann@laptop", why="checkout answers 500")
    record_file = json.loads(host.tell("/var/lib/codeb/projects/shop-app.json") or "")
    assert [past["why"] for past in record_file["history"]] == ["checkout answers 500", "", ""]
    last = json.loads((host.tell("/var/log/codeb/audit.log") or "").splitlines()[-1])
    assert (last["by"], last["why"]) == ("ann@laptop", "checkout answers 500")
    with pytest.raises(BadDocument):
        back(host, why="two\nlines")
