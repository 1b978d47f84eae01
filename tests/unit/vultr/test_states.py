"""States as documented: how things begin, how long they take, and what can't be done meanwhile."""

from __future__ import annotations

import threading

from lab.vultr.ports import Addresses, InstanceSpec, MachineError
from lab.vultr.simulator import Simulator
from tests.unit.vultr.conftest import Clock
from tests.vultr_api import Api, Notebook


def _state(api: Api, server: str) -> tuple[str, str, str]:
    one = api.get(f"/instances/{server}")["instance"]
    return one["status"], one["power_status"], one["server_status"]


def test_a_server_becomes_active_then_installed(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.set(instance_s=30, install_s=20)
    made = api.instance()
    assert (made["main_ip"], made["internal_ip"]) == ("0.0.0.0", "")
    assert _state(api, made["id"]) == ("pending", "stopped", "none")
    clock.now += 31
    assert _state(api, made["id"]) == ("active", "running", "installingbooting")
    assert api.get(f"/instances/{made['id']}")["instance"]["main_ip"].startswith("198.51.100.")
    clock.now += 20
    assert _state(api, made["id"]) == ("active", "running", "ok")


def test_power(api: Api, machines: Notebook) -> None:
    server = api.instance()["id"]
    api.does("POST", f"/instances/{server}/halt")
    assert _state(api, server)[:2] == ("active", "stopped")
    api.does("POST", f"/instances/{server}/start")
    assert _state(api, server)[:2] == ("active", "running")
    api.does("POST", f"/instances/{server}/reboot")
    assert machines.names() == ["boot", "halt", "start", "halt", "start"]


def test_a_plan_change_shows_the_old_plan_until_it_is_done(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.set(resize_s=10)
    server = api.instance()["id"]
    assert (
        api.does("PATCH", f"/instances/{server}", {"plan": "vc2-2c-4gb"})["instance"]["plan"] == "vc2-1c-1gb"
    )
    assert _state(api, server)[0] == "resizing"
    clock.now += 11
    found = api.get(f"/instances/{server}")["instance"]
    assert (found["plan"], found["ram"], found["status"]) == ("vc2-2c-4gb", 4096, "active")


def test_what_is_pending_can_not_be_attached_or_deleted(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.set(block_s=5, balancer_s=5, share_s=5)
    server, block, balancer, share = (
        api.instance()["id"],
        api.block()["id"],
        api.balancer()["id"],
        api.share()["id"],
    )
    assert "not ready" in api.refuses("POST", f"/blocks/{block}/attach", {"instance_id": server})
    assert "not active" in api.refuses("PUT", f"/vfs/{share}/attachments/{server}")
    assert api.refuses("DELETE", f"/load-balancers/{balancer}") == "Load balancer is not ready."
    clock.now += 6
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": server})
    api.does("PUT", f"/vfs/{share}/attachments/{server}")
    api.does("DELETE", f"/load-balancers/{balancer}")


def test_a_server_whose_machine_can_not_be_had_does_not_stay_pending(
    vultr: Simulator, api: Api, machines: Notebook, monkeypatch: object
) -> None:
    def refuse(spec: InstanceSpec) -> Addresses:
        raise MachineError("no room on this machine")

    machines.boot = refuse
    made = api.instance()
    assert made["status"] == "suspended"
    (failure,) = vultr.content()["failures"]
    assert failure["error"] == "no room on this machine"
    api.does("DELETE", f"/instances/{made['id']}")
    assert vultr.is_empty()


def test_a_server_is_not_active_before_its_machine_runs(
    vultr: Simulator, api: Api, machines: Notebook, clock: Clock
) -> None:
    gate = threading.Event()

    def boot(spec: InstanceSpec) -> Addresses:
        assert gate.wait(90)
        return Addresses("198.51.100.77")

    machines.boot = boot
    vultr.set(instance_s=1)
    server = api.instance()["id"]
    clock.now += 100
    assert _state(api, server)[0] == "pending"
    gate.set()
    api.does("POST", f"/instances/{server}/start")  # waits for the boot: it is about the same server
    assert _state(api, server)[0] == "active"
    assert api.get(f"/instances/{server}")["instance"]["main_ip"] == "198.51.100.77"


def test_a_locked_server_takes_no_disk_and_is_not_deleted(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.set(locked_s=20)
    server, block = api.instance()["id"], api.block()["id"]
    attach = (f"/blocks/{block}/attach", {"instance_id": server})
    assert _state(api, server) == ("active", "running", "locked")
    assert api.refuses("POST", *attach) == "Server is currently locked"
    assert "currently locked" in api.refuses("DELETE", f"/instances/{server}", status=500)
    clock.now += 21
    assert _state(api, server)[2] == "ok"
    api.does("POST", *attach)
    api.does("DELETE", f"/instances/{server}")


def test_a_balancer_may_be_active_before_it_has_an_address(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.set(balancer_address_s=20)
    made = api.balancer()
    assert (made["status"], made["ipv4"], made["ipv6"]) == ("active", "", "")
    clock.now += 21
    found = api.get(f"/load-balancers/{made['id']}")["load_balancer"]
    assert found["ipv4"].startswith("203.0.113.")
    assert found["ipv6"]
