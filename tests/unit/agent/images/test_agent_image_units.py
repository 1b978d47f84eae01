"""Which image a unit runs, and when systemd has to read units again for that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App, image_id
from tests.unit.agent.verbs import JOB, V1, V2, V3, back, new_host, run, serves

STEM = "codeb-shop-app-cron-nightly"
ACTIVE = "[Service]\nEnvironmentFile=/etc/codeb/projects/shop-app/active.image\n"


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def with_cron(content: str = f"[Container]\nImage=@IMAGE@\n{ACTIVE}") -> dict[str, Any]:
    container = {"name": f"{STEM}.container", "content": content}
    timer = {"name": f"{STEM}.timer", "content": "[Timer]\nOnCalendar=daily\n"}
    return {**release_document(V1)["units"], "cron": [{"container": container, "timer": timer}]}


def unit(host: FakeHost, name: str) -> str:
    """What a container's unit says to systemd, with the digest that it reads when it starts."""
    return host.systemd.expanded(str(host.tell(f"/etc/containers/systemd/{name}.container")))


def reloads(host: FakeHost) -> int:
    return host.calls.count(["systemctl", "daemon-reload"])


def test_cron_jobs_follow_the_active_image_and_go_with_the_manifest(host: FakeHost) -> None:
    first = run(host, V1, units=with_cron())
    assert str(first["digest"]) in unit(host, STEM)
    assert f"{STEM}.timer" in host.systemd.timers
    second = run(host, V2, units=with_cron())
    assert str(second["digest"]) in unit(host, STEM)
    back(host)
    assert str(first["digest"]) in unit(host, STEM)
    assert str(second["digest"]) not in unit(host, STEM)
    run(host, V3)
    assert not [path for path in host.files if "cron" in path]
    assert f"{STEM}.timer" not in host.systemd.timers


def test_a_release_of_another_image_lets_systemd_read_no_units(host: FakeHost) -> None:
    units = with_cron()
    for image in (V1, V2):
        run(host, image, units=units, job=JOB)
    before = reloads(host)
    answer = run(host, V3, units=units, job=JOB)
    assert (serves(host), reloads(host)) == (V3, before)
    assert host.systemd.jobs[-1].endswith(str(answer["digest"])), "the release command ran in another image"
    assert str(answer["digest"]) in unit(host, STEM)
    units["blue"] = {**units["blue"], "content": units["blue"]["content"] + "Restart=always\n"}
    run(host, V1, units=units, job=JOB)
    run(host, V2, units=units, job=JOB)
    assert reloads(host) > before, "systemd never read the unit that changed"


def test_units_that_systemd_never_read_are_read_before_they_start(host: FakeHost) -> None:
    run(host)
    run(host, V2)
    before = reloads(host)
    path, _ = host.systemd.loaded["codeb-shop-app-blue.service"]
    host.systemd.loaded["codeb-shop-app-blue.service"] = (path, b"[Container]\nImage=reg.lab:5000/shop:1\n")
    run(host, V3)
    assert (serves(host), reloads(host)) == (V3, before + 1)


def test_an_image_from_no_registry_is_named_by_its_id(host: FakeHost) -> None:
    host.podman.images[V1] = App()
    run(host, pull="never")
    assert f"Image={image_id(V1)}" in unit(host, "codeb-shop-app-blue").splitlines()
    assert serves(host) == V1


def test_units_of_before_name_their_image_themselves(host: FakeHost) -> None:
    """A rollback may bring back cron jobs that were written before units read a digest."""
    answer = run(host, units=with_cron("[Container]\nImage=@IMAGE@\n"))
    assert f"Image=reg.lab:5000/shop@{answer['digest']}" in str(
        host.tell(f"/etc/containers/systemd/{STEM}.container")
    )
