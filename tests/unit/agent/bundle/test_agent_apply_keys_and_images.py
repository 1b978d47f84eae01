"""`apply` where much is at stake: who may log in, and which PostgreSQL reads the data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host.ports import Result
from agent.images.postgres import version
from agent.removal.retire import retire
from tests.unit.agent.bundle.applying import QUADLET, SECRET, bundle, file, run
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.fakes.systemd import Container

OWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnOwnOwn"
KEYS = "/root/.ssh/authorized_keys"


def letting_in(*keys: str) -> dict[str, Any]:
    document = bundle()
    text = "".join(f"{key}\n" for key in keys)
    document["files"].append({**file(KEYS, text, "0600"), "keep": True})
    return document


def test_a_file_to_keep_stays_when_it_is_listed_no_more_and_when_the_host_is_retired(host: FakeHost) -> None:
    run(host, letting_in(OWN))
    assert f"deleted:{KEYS}" not in run(host, bundle())["changed"]
    assert host.tell(KEYS) == f"{OWN}\n"
    run(host, letting_in(OWN))
    retire(host.ports(), Reader({}, ""), "tester")
    assert host.tell(KEYS) == f"{OWN}\n"


def test_what_an_older_agent_remembered_of_a_bundle_is_read(host: FakeHost) -> None:
    run(host, bundle())
    known = json.loads(str(host.tell("/var/lib/codeb/bundle.json")))
    del known["kept"]
    host.put("/var/lib/codeb/bundle.json", json.dumps(known))
    assert run(host, bundle())["changed"] == []


@pytest.mark.parametrize(
    ("keys", "caller", "fine"),
    [
        ((OWN, "ssh-rsa AAAA ann"), OWN, True),
        ((f"{OWN} codeb",), OWN, True),
        ((f'from="10.0.0.0/8" {OWN}',), OWN, True),
        (("ssh-rsa AAAA ann",), "", True),
        (("ssh-rsa AAAA ann",), OWN, False),
        ((f"# {OWN}", "ssh-rsa AAAA ann"), OWN, False),
        ((f"{OWN}Longer",), OWN, False),
        ((), OWN, False),
    ],
)
def test_nobody_locks_himself_out(host: FakeHost, keys: tuple[str, ...], caller: str, fine: bool) -> None:
    host.key = caller
    if fine:
        run(host, letting_in(*keys))
        return
    with pytest.raises(Failed, match="lacks the key by which this very session logged in"):
        run(host, letting_in(*keys))
    assert KEYS not in host.files


def test_a_list_of_keys_that_openssh_can_not_read_is_refused(host: FakeHost) -> None:
    with pytest.raises(Failed, match=f"{KEYS} would be refused"):
        run(host, letting_in("broken"))


def test_what_must_not_be_here_goes_once_sshd_has_read_its_new_files(host: FakeHost) -> None:
    first = "/etc/ssh/ssh_host_ecdsa_key"
    host.put(first, "key", 0o600)
    host.systemd.running["ssh.service"] = Container("sshd", "", 0)
    answer = run(host, bundle(absent=[first, f"{first}.pub"]))
    assert answer["changed"][-1] == f"deleted:{first}"
    assert first not in host.files
    assert ["systemctl", "reload", "ssh.service"] in host.calls
    assert run(host, bundle(absent=[first, f"{first}.pub"]))["changed"] == []


def test_a_file_that_is_wanted_and_unwanted_is_refused(host: FakeHost) -> None:
    with pytest.raises(BadDocument, match="is among the files"):
        run(host, bundle(absent=["/etc/nftables.conf"]))


def test_what_must_not_be_here_stays_while_sshd_refuses_to_reload(host: FakeHost) -> None:
    first = "/etc/ssh/ssh_host_ecdsa_key"
    host.put(first, "key", 0o600)
    host.systemd.running["ssh.service"] = Container("sshd", "", 0)
    host.answers["systemctl reload ssh.service"] = Result(1, err="Job failed")
    with pytest.raises(Failed):
        run(host, bundle(absent=[first]))
    assert first in host.files


POSTGRES = f"{QUADLET}postgres.container"
OF_16 = "docker.io/library/postgres:16-alpine"
OF_17 = "docker.io/library/postgres:17-alpine"


def with_postgres(image: str, pull: str = "missing") -> dict[str, Any]:
    document = bundle()
    unit = file(POSTGRES, f"[Container]\nImage={image}\nPull={pull}\n", restarts=["postgres.service"])
    return {**document, "files": [*document["files"], unit]}


@pytest.fixture
def of_16() -> FakeHost:
    """A host whose PostgreSQL has files of 16."""
    host = FakeHost(packages=["podman"], images={"r:1": App(), OF_16: App(), OF_17: App()}, caddy=False)
    for image, major in ((OF_16, 16), (OF_17, 17)):
        host.answers[" ".join(version(image))] = Result(0, f"postgres (PostgreSQL) {major}.4\n")
    host.put("/srv/codeb/postgres/PG_VERSION", "16\n")
    run(host, with_postgres(OF_16))
    return host


def test_an_image_of_another_postgresql_is_refused_before_anything_is_written_or_restarted(
    of_16: FakeHost,
) -> None:
    before = dict(of_16.files)
    of_16.calls.clear()
    document = with_postgres(OF_17)
    document["files"][3]["content"] = "another-secret\n"
    with pytest.raises(Failed) as refused:
        run(of_16, document)
    assert of_16.files == before
    assert not [call for call in of_16.calls if call[0] == "systemctl"]
    failure = refused.value.failure
    assert failure.cause == f"PostgreSQL's files are of version 16, and {OF_17} is 17, which can't read them"
    assert f"codeb upgrade postgres --to {OF_17}" in failure.remedy
    assert SECRET not in failure.text()


def test_after_an_upgrade_the_image_of_before_is_refused_with_the_one_to_set(of_16: FakeHost) -> None:
    of_16.put("/srv/codeb/postgres/PG_VERSION", "17\n")
    of_16.put(POSTGRES, f"[Container]\nImage={OF_17}\nPull=missing\n")
    with pytest.raises(Failed) as refused:
        run(of_16, with_postgres(OF_16))
    assert refused.value.failure.remedy == f"set `codeb:images.postgres` to {OF_17}"
    assert run(of_16, with_postgres(OF_17))["restarted"] == []


def test_no_image_is_asked_for_while_the_unit_stays_as_it_is(of_16: FakeHost) -> None:
    of_16.calls.clear()
    run(of_16, with_postgres(OF_16))
    assert not [call for call in of_16.calls if call[:2] == ["podman", "run"]]


def test_a_new_host_has_no_files_that_an_image_could_not_read() -> None:
    host = FakeHost(packages=["podman"], images={"r:1": App(), OF_17: App()}, caddy=False)
    run(host, with_postgres(OF_17))
    assert POSTGRES in host.files


def test_an_image_that_is_never_pulled_and_not_here_is_said(of_16: FakeHost) -> None:
    with pytest.raises(Failed, match="is not on this host"):
        run(of_16, with_postgres("docker.io/library/postgres:18", pull="never"))


@pytest.mark.parametrize("content", ['{"step": "switching"}', "not json"])
def test_nothing_is_applied_while_an_upgrade_is_cut_off(of_16: FakeHost, content: str) -> None:
    of_16.put("/var/lib/codeb/upgrade.json", content)
    with pytest.raises(Failed, match="was cut off"):
        run(of_16, bundle())
    of_16.put("/var/lib/codeb/upgrade.json", '{"step": "kept"}')
    run(of_16, with_postgres(OF_16))
