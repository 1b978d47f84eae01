"""Edges that come and go: what waits for what, in the whole program on a recording monitor."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from pulumi.runtime import mocks

from codeb.fleet import Account, State, read_state
from components import account
from components.serving import JOIN, LEAVE
from tests.components.recording import BARE, SHOP, Recording, Registration, record
from tests.components.test_fleet import Vultr

KEY = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    .decode()
)
MANIFESTS = {"shop.yaml": SHOP, "bare.yaml": BARE}
INSTANCE, BALANCER = "vultr:index/instance:Instance", "vultr:index/loadBalancer:LoadBalancer"


class Before(Vultr):
    """What the plugins answer, and the outputs of the update before."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        super().__init__(None)
        self.outputs = dict(outputs)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        if args.typ == "pulumi:pulumi:StackReference":
            outputs["outputs"] = self.outputs
        return identity, outputs


def state(*servers: str, attached: Collection[str] | None = None) -> State:
    """A stack's that has these servers, and a balancer with some of them where there is one."""
    urn = "urn:pulumi:test::codeb::"
    found: list[dict[str, Any]] = [
        {
            "urn": f"{urn}{INSTANCE}::{name}",
            "id": f"{name}-instance-id",
            "type": INSTANCE,
            "inputs": {"label": f"codeb-{name}"},
        }
        for name in servers
    ]
    if attached is not None:
        inputs = {"attachedInstances": [f"{name}-instance-id" for name in attached]}
        found.append({"urn": f"{urn}{BALANCER}::b", "id": "b", "type": BALANCER, "inputs": inputs})
    return read_state({"deployment": {"resources": found}})


def outputs(*servers: str) -> dict[str, Any]:
    """The output `fleet` of an update that ended well."""
    roles = {name: ["data"] if name == "data-1" else ["app", "edge"] for name in servers}
    return {"fleet": {"servers": {name: {"roles": each} for name, each in roles.items()}}}


def program(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    known: State,
    before: Mapping[str, Any],
    **config: Any,
) -> Recording:
    monkeypatch.setattr(account, "Client", lambda _: SimpleNamespace(get=lambda _: {}))
    monkeypatch.setattr(account, "CliStack", lambda *_: SimpleNamespace(export=dict))
    monkeypatch.setattr(account, "read_state", lambda _: known)
    monkeypatch.setattr(account, "read_account", lambda *_: Account())
    monkeypatch.setattr(account, "compare", lambda *_, **__: ())
    pools = [
        {"name": "default", "roles": ["app", "edge"], "count": count, "plan": "vc2-2c-4gb"},
        {"name": "data", "roles": ["data"], "plan": "vc2-4c-8gb", "dataDisk": "100Gi"},
    ]
    settings = {
        "provider": "vultr",
        "servers": [],
        "pools": pools,
        "sshPrivateKey": KEY,
        "vultrApiKey": "COMPONENTTESTSVULTRKEY0123456789",
        **config,
    }
    return record(folder, MANIFESTS, config=settings, answers=Before(before))


def depends(recording: Recording, item: Registration) -> set[str]:
    """The names of all that it waits for, directly or not."""
    by_urn = {each.urn: each for each in recording.registrations}
    found, open_ = set[str](), [item]
    while open_:
        for urn in open_.pop().dependencies:
            other = by_urn[urn]
            if other.name not in found:
                found.add(other.name)
                open_.append(other)
    return found


def balancer(recording: Recording) -> Registration:
    return next(item for item in recording.registrations if item.type == BALANCER)


@pytest.fixture
def grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """From two servers to four."""
    two = ("app-1", "app-2", "data-1")
    return program(tmp_path, monkeypatch, 4, state(*two, attached=["app-1", "app-2"]), outputs(*two))


def test_a_server_that_comes_is_attached_after_it_answers_for_every_site(grown: Recording) -> None:
    before = depends(grown, balancer(grown))
    assert {"app-3-serving", "app-4-serving"} <= before
    for name in ("app-3", "app-4"):
        waits = depends(grown, grown.named(f"{name}-serving"))
        sites = {
            item.name
            for item in grown.registrations
            if item.name.endswith((f"-release-{name}", f"-route-{name}"))
        }
        assert len(sites) == len(MANIFESTS), "each edge has each project, or the way to it"
        assert sites <= waits
        assert {"app-1-bundle", "app-2-bundle", "data-1-bundle"} <= waits, (
            "whoever is to let it in has done so"
        )


def test_those_that_have_their_visitors_wait_for_nobody(grown: Recording) -> None:
    for name in ("app-1-serving", "app-2-serving", "data-1-bundle", "shop-database"):
        waits = depends(grown, grown.named(name))
        assert not {each for each in waits if "app-3" in each or "app-4" in each or "release" in each}, name
    assert not {"app-1-serving", "app-2-serving"} & depends(grown, balancer(grown))


def test_joining_is_waited_for_where_nobody_comes_yet_and_only_there(grown: Recording) -> None:
    attached = {}
    for number in range(1, 5):
        item = grown.named(f"app-{number}-serving")
        attached[item.name[:5]] = json.loads(item.inputs["stdin"])["attached"], item.ignore_changes
        assert item.inputs["create"].startswith(JOIN)
        assert item.inputs["delete"] == LEAVE
    kept = (True, ("stdin",))
    assert attached == {"app-1": kept, "app-2": kept, "app-3": (False, ()), "app-4": (False, ())}
    assert not [item for item in grown.registrations if item.name == "data-1-serving"]


def test_a_server_is_taken_apart_after_it_has_left(grown: Recording) -> None:
    """Deletions go against dependencies; one that is deleted with something else would not be done at all."""
    for number in range(1, 5):
        item = grown.named(f"app-{number}-serving")
        assert f"app-{number}-bundle" in depends(grown, item)
        assert not item.deleted_with


def test_on_the_first_way_up_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are ordered by names that lead here."""
    first = program(tmp_path, monkeypatch, 2, state(), {})
    assert not {name for name in depends(first, balancer(first)) if "serving" in name or "release" in name}
    assert json.loads(first.named("app-1-serving").inputs["stdin"])["attached"] is True


def test_a_server_made_anew_is_attached_once_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEB_RENEW", "app-2")
    two = ("app-1", "app-2", "data-1")
    found = program(tmp_path, monkeypatch, 2, state(*two, attached=["app-1", "app-2"]), outputs(*two))
    assert "app-2-serving" in depends(found, balancer(found))
    assert found.named("app-2-serving").ignore_changes == ()


def test_names_lead_to_an_edge_that_serves_where_there_is_no_balancer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, before = state("app-1", "data-1"), outputs("app-1", "data-1")
    none = {"balancer": {"enabled": False}, "dnsZone": "lab.test"}
    found = program(tmp_path, monkeypatch, 2, known, before, **none)
    records = {
        item.name: item for item in found.registrations if item.type == "vultr:index/dnsRecord:DnsRecord"
    }
    assert "app-2-serving" in depends(found, records["codeb-dns-shop.lab.test-app-2"])
    assert not {name for name in depends(found, records["codeb-dns-shop.lab.test"]) if "serving" in name}


def test_a_first_balancer_waits_for_the_second_edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = program(tmp_path, monkeypatch, 2, state("app-1", "data-1"), outputs("app-1", "data-1"))
    before = depends(found, balancer(found))
    assert {name for name in before if "serving" in name} == {"app-2-serving"}
