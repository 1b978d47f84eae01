"""Pulling with credentials, why it failed in words, and which images are removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agent.documents.errors import Failed, Failure
from agent.documents.reader import Reader
from agent.host.ports import Result
from agent.images import store
from agent.images.pull import registry_of
from agent.project.spec import Spec
from agent.project.spec_reader import read_release
from agent.release.drive import release
from agent.removal.remove import remove
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App, pinned
from tests.unit.agent.verbs import with_caddyfile

GHCR = "ghcr.io/team/shop:1"
AUTH = "/etc/codeb/secrets/registries.json"
V1, V2, V3 = (f"reg.lab:5000/team/shop:{n}" for n in (1, 2, 3))


def spec(image: str = GHCR, pull: str = "missing", project: str = "shop-app") -> Spec:
    return read_release(Reader(release_document(image, project=project, pull=pull), "")).spec


def with_credentials(host: FakeHost) -> None:
    host.put(AUTH, json.dumps({"auths": {"ghcr.io": {"auth": "Y29kZWI6U2VjcmV0"}}}), 0o600)


def test_credentials_are_named_by_file_and_only_when_there_are_some() -> None:
    host = FakeHost(registry={GHCR: App()})
    store.resolve(host.ports(), spec(), print)
    assert ["podman", "pull", "--quiet", GHCR] in host.calls
    host.podman.images.clear()
    with_credentials(host)
    store.resolve(host.ports(), spec(), print)
    assert ["podman", "pull", "--quiet", f"--authfile={AUTH}", GHCR] in host.calls
    assert "Y29kZWI6U2VjcmV0" not in str(host.calls)


def test_the_digest_is_the_registry_s() -> None:
    host = FakeHost(registry={GHCR: App()})
    found = store.resolve(host.ports(), spec(), print)
    assert found.reference == pinned(GHCR)
    assert found.digest == pinned(GHCR).partition("@")[2]


def failing(said: str, *, credentials: bool = False, code: int = 125) -> Failure:
    host = FakeHost()
    options = []
    if credentials:
        with_credentials(host)
        options = [f"--authfile={AUTH}"]
    host.answers[" ".join(["podman", "pull", "--quiet", *options, GHCR])] = Result(code, err=said)
    with pytest.raises(Failed) as caught:
        store.resolve(host.ports(), spec(), print)
    assert caught.value.failure.phase == "pull"
    return caught.value.failure


START = "Error: initializing source docker://ghcr.io/team/shop:1: "
READ = f"{START}reading manifest 1 in ghcr.io/team/shop: "


@pytest.mark.parametrize(
    ("said", "cause", "remedy"),
    [
        (f"{READ}unauthorized: authentication required", "authentication required", "registryCredentials"),
        (f"{READ}denied: requested access to the resource is denied", "wants a login", "registryCredentials"),
        (f"{START}unable to retrieve auth token: invalid username/password", "wants a login", '["ghcr.io"].username'),
        (f"{READ}manifest unknown", "has no image ghcr.io/team/shop:1: manifest unknown", "environment.image"),
        (f"{READ}name unknown: repository name not known to registry", "has no image", "push it"),
        (
            f"{START}pinging container registry ghcr.io: Get \"https://ghcr.io/v2/\": dial tcp: lookup ghcr.io on "
            "10.0.0.1:53: no such host",
            "no route to the registry ghcr.io: lookup ghcr.io on 10.0.0.1:53: no such host",
            "this host reaches ghcr.io",
        ),
        (f"{START}pinging: dial tcp 1.2.3.4:443: connect: connection refused", "no route", "reaches ghcr.io"),
        (f"{START}pinging: tls: failed to verify certificate: x509: unknown authority", "no certificate", "trusted"),
        (f"{START}pinging: http: server gave HTTP response to HTTPS client", "no certificate", "labs only"),
        (f"{READ}toomanyrequests: You have reached your pull rate limit", "allows no more pulls", "wait"),
        ("Error: writing blob: storing blob: write /x: no space left on device", "no space is left", "df -h"),
        ("Error: something new", "can't be pulled: Error: something new", "log lines"),
        ("", "can't be pulled: no output", "log lines"),
    ],
)  # fmt: skip
def test_a_pull_that_fails_names_the_cause_and_the_way_out(said: str, cause: str, remedy: str) -> None:
    failure = failing(said)
    assert cause in failure.cause
    assert remedy in failure.remedy


def test_credentials_that_are_refused_are_told_from_missing_ones() -> None:
    failure = failing(f"{READ}unauthorized: authentication required", credentials=True)
    assert "refuses ghcr.io/team/shop:1 to the stack's credentials" in failure.cause
    assert 'codeb:registryCredentials["ghcr.io"].password' in failure.remedy


def test_a_pull_that_takes_too_long_says_so() -> None:
    assert "too slowly" in failing("", code=124).cause


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("ghcr.io/team/app:1", "ghcr.io"),
        ("reg.lab:5000/app@sha256:1", "reg.lab:5000"),
        ("localhost/app", "localhost"),
        ("library/redis:7", "docker.io"),
        ("redis:7", "docker.io"),
    ],
)
def test_the_registry_of_a_reference(reference: str, registry: str) -> None:
    assert registry_of(reference) == registry


def host_with(*names: str) -> FakeHost:
    host = FakeHost(registry={name: App() for name in names})
    with_caddyfile(host)
    return host


def run(host: FakeHost, image: str, project: str = "shop-app", **changes: Any) -> None:
    release(host.ports(), Reader(release_document(image, project=project, **changes), ""), "tester")


def listed(host: FakeHost, *rows: Mapping[str, object]) -> None:
    host.answers["podman image ls --format json"] = Result(0, out=json.dumps(rows))


def removed(host: FakeHost) -> list[str]:
    """What `podman image rm` was asked for since the last look."""
    found = [call[3:] for call in host.calls if call[:3] == ["podman", "image", "rm"]]
    host.calls.clear()
    assert len(found) <= 1, "one call a time"
    return found[0] if found else []


def test_after_a_failure_the_image_of_the_failed_release_goes_and_the_standby_s_stays() -> None:
    host = host_with(V1, V2, V3)
    run(host, V1)
    run(host, V2)
    host.podman.images[V3] = App()
    store.prune(host.ports(), "shop-app", spec=spec(V3))
    assert sorted(host.podman.images) == [V1, V2]


def test_a_first_release_that_failed_keeps_no_image() -> None:
    host = host_with()
    host.podman.images = {V1: App(), "reg.lab:5000/team/other:1": App()}
    store.prune(host.ports(), "shop-app", spec=spec(V1))
    assert list(host.podman.images) == ["reg.lab:5000/team/other:1"]


def test_images_that_were_never_pulled_stay() -> None:
    host = host_with()
    host.podman.images = {V1: App(), V2: App(), V3: App()}
    run(host, V1, pull="never")
    run(host, V2, pull="never")
    run(host, V3, pull="never")
    store.prune(host.ports(), "shop-app", spec=spec(V3, pull="never"))
    assert sorted(host.podman.images) == [V1, V2, V3]


def test_images_that_were_built_here_stay_even_where_pulls_are_allowed() -> None:
    built = [f"localhost/team/shop:{number}" for number in (1, 2, 3)]
    host = host_with(*built)
    for image in built:
        run(host, image)
    assert sorted(host.podman.images) == built


def test_another_project_s_images_of_the_same_repository_stay() -> None:
    host = host_with(V1, V2, V3)
    run(host, V1, project="shop-two", pair=(3003, 3004), cache=None)
    for image in (V1, V2, V3):
        run(host, image)
    assert sorted(host.podman.images) == [V1, V2, V3]


def test_the_repository_that_a_project_left_is_cleaned_too() -> None:
    old = "reg.lab:5000/old/shop:1"
    host = host_with(old, V1, V2)
    for image in (old, V1, V2):
        run(host, image)
    assert sorted(host.podman.images) == [V1, V2]


def test_nothing_is_removed_while_another_release_is_under_way_and_the_next_one_makes_up_for_it() -> None:
    host = host_with(V1, V2, V3)
    run(host, V1)
    run(host, V2)
    host.put("/var/lib/codeb/projects/shop-two.lock", "")
    host.held.add("/var/lib/codeb/projects/shop-two.lock")
    run(host, V3)
    assert sorted(host.podman.images) == [V1, V2, V3]
    host.held.clear()
    store.prune(host.ports(), "shop-two")
    assert sorted(host.podman.images) == [V2, V3], "the last one to end removes for all"


def test_a_release_waits_for_images_that_are_being_removed() -> None:
    host = host_with(V1)
    host.held.add("/var/lib/codeb/images.lock")
    with pytest.raises(Failed, match="images are being removed"):
        run(host, V1)


@pytest.mark.parametrize("held", [True, False])
def test_what_goes_wrong_costs_disk_only(held: bool) -> None:
    host = host_with(V1)
    run(host, V1)
    if held:
        host.held.add("/var/lib/codeb/images.lock")
    else:
        host.put("/var/lib/codeb/projects/broken-app.json", "{", 0o600)
    host.calls.clear()
    store.prune(host.ports(), "shop-app", spec=spec(V2))
    assert "no image was removed" in host.journal[-1]
    assert removed(host) == []


def test_untagged_images_of_the_repository_go_by_id_and_tagged_ones_by_name() -> None:
    host = host_with()
    repository = "reg.lab:5000/team/shop"
    listed(
        host,
        {"Id": "a1", "Names": None, "RepoDigests": [f"{repository}@sha256:a1"]},
        {"Id": "a2", "Names": [f"{repository}:5", f"{repository}:6"], "RepoDigests": []},
        {"Id": "a3", "Names": [], "History": [f"{repository}:7"]},
        {"Id": "a4", "Names": [f"{repository}:8", "localhost/mine:8"]},
        {"Id": "b1", "Names": ["reg.lab:5000/team/shop-two:1"]},
        {"Id": "b2", "Names": None, "RepoDigests": None},
        {"Id": "", "Names": [f"{repository}:9"]},
    )
    store.prune(host.ports(), "shop-app", spec=spec(V1))
    assert removed(host) == ["a1", f"{repository}:5", f"{repository}:6", "a3", f"{repository}:8"]


def test_what_a_unit_names_stays() -> None:
    host = host_with()
    repository = "reg.lab:5000/team/shop"
    units = [f"/etc/containers/systemd/{name}.container" for name in ("codeb-x-cron-y", "z", "codeb-x-blue")]
    host.put(units[0], f"[Container]\nImage={repository}@sha256:c1\n")
    host.put(units[1], "[Container]\nImage=c2\n")
    digest = "[Service]\nEnvironmentFile=/etc/codeb/projects/x/blue.image\n"
    host.put(units[2], f"[Container]\nImage={repository}@${{CODEB_IMAGE_DIGEST}}\n{digest}")
    host.put("/etc/codeb/projects/x/blue.image", "CODEB_IMAGE_DIGEST=sha256:c4\n")
    listed(
        host,
        {"Id": "c4", "Names": [f"{repository}:4"], "RepoDigests": [f"{repository}@sha256:c4"]},
        {"Id": "c1", "Names": [f"{repository}:1"], "RepoDigests": [f"{repository}@sha256:c1"]},
        {"Id": "c2", "Names": [f"{repository}:2"]},
        {"Id": "c3", "Names": [f"{repository}:3"]},
    )
    store.prune(host.ports(), "shop-app", spec=spec(V1))
    assert removed(host) == [f"{repository}:3"]


@pytest.mark.parametrize("out", ["", "[]", "{}", "null", "[1, null]"])
def test_a_strange_listing_removes_nothing(out: str) -> None:
    host = host_with()
    host.answers["podman image ls --format json"] = Result(0, out=out)
    store.prune(host.ports(), "shop-app", spec=spec(V1))
    assert removed(host) == []


def test_two_calls_of_podman_whatever_there_is() -> None:
    host = host_with()
    listed(host, *({"Id": f"i{n}", "Names": [f"reg.lab:5000/team/shop:{n}"]} for n in range(500)))
    store.prune(host.ports(), "shop-app", spec=spec(V1))
    assert [call[1:3] for call in host.calls] == [["image", "ls"], ["image", "rm"]]
    assert len(removed(host)) == 200


def test_remove_takes_the_project_s_images() -> None:
    host = host_with(V1, V2)
    run(host, V1)
    run(host, V2)
    remove(host.ports(), Reader({"project": "shop-app"}, ""), "tester")
    assert host.podman.images == {}
