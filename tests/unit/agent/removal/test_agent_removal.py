"""What `remove` and `retire` take away, and what they leave."""

from __future__ import annotations

import pytest

from agent.host import paths
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
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
