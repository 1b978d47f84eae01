"""How the API is spoken to: headers, statuses, types, retries, and what they make twice."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lab.providers import factory
from lab.providers.protocol import Provider, ProviderError
from tests.plugins.processes import write_certificate
from tests.plugins.vultr.account import Account, Fault
from tests.plugins.vultr.conftest import KEY, Lives
from tests.plugins.vultr.lives import RESOURCES
from tests.plugins.vultr.server import Answer, Server

TROUBLE = Answer(500, {"error": "Internal Server Error", "status": 500})
CUT = Answer(cut=True)
MADE = ("ssh-keys", "vpcs", "instances", "load-balancers")


def test_a_call_says_who_asks_and_for_what(life: Lives, account: Account, server: Server) -> None:
    life("SSHKey").create()
    for call in server.taken():
        assert call.headers["Authorization"] == f"Bearer {KEY}"
        assert call.headers["User-Agent"] == "Terraform/v2.36.1"
        assert call.headers["Accept"] == call.headers["Content-Type"] == "application/json"
        assert call.headers["Accept-Encoding"] == "gzip"
        assert not [name for name in call.headers if "idempotency" in name.lower()]


def test_nothing_is_called_before_the_first_resource(vultr: Provider, server: Server) -> None:
    vultr.check_config({"apiKey": KEY})
    assert server.taken() == []


def test_a_wrong_key_shows_at_the_first_call_and_is_not_in_the_error(life: Lives, account: Account) -> None:
    refusal = {"error": "Invalid API token.", "status": 401}
    account.faults.append(Fault("POST", "ssh-keys", Answer(401, refusal)))
    with pytest.raises(ProviderError, match=r"error creating SSH key: .*Invalid API token") as failed:
        life("SSHKey").create()
    assert KEY not in str(failed.value)


@pytest.mark.parametrize("status", range(200, 205))
def test_any_of_these_statuses_is_success(life: Lives, account: Account, server: Server, status: int) -> None:
    """Where the answer is not read it may be empty; 205 is none of them."""
    one = life("Vpc")
    one.create()
    account.faults.append(Fault("PUT", "vpcs", Answer(status), after=True))
    one.update(description="other")
    assert one.state.outputs["description"] == "other"


def test_other_statuses_are_refusals(life: Lives, account: Account) -> None:
    account.faults.append(Fault("POST", "vpcs", Answer(205, "")))
    with pytest.raises(ProviderError, match="error creating VPC: "):
        life("Vpc").create()


def test_packed_answers_are_read(life: Lives, account: Account, server: Server) -> None:
    def packed(call: object) -> Answer:
        answer = account.answer(call)  # type: ignore[arg-type]
        return Answer(answer.status, answer.body, {"Content-Encoding": "gzip"})

    server.behaviour = packed
    one = life("SSHKey")
    one.create()
    assert one.state.outputs["name"] == "k1"


@pytest.mark.parametrize(
    ("resource", "method"),
    [("SSHKey", "POST"), ("Instance", "PATCH"), ("ReservedIp", "PATCH"), ("VirtualFileSystemStorage", "PUT")],
)
def test_an_empty_answer_where_it_is_read_is_an_error(
    life: Lives, account: Account, resource: str, method: str
) -> None:
    one = life(resource)
    fault = Fault(method, r"^/v2/[\w-]+(/[\w-]+)?$", Answer(204))
    if method == "POST":
        account.faults.append(fault)
        with pytest.raises(ProviderError, match="unexpected end of JSON input"):
            one.create()
        return
    one.create()
    account.faults.append(fault)
    with pytest.raises(ProviderError) as failed:
        one.update(label="other")
    assert "unexpected end of JSON input" in failed.value.reasons[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("resource", [name for name in RESOURCES if name != "VirtualFileSystemStorage"])
def test_a_creation_whose_answer_has_no_wrapper_ends_in_a_panic(
    life: Lives, server: Server, resource: str
) -> None:
    server.behaviour = lambda _: Answer(201, {})
    with pytest.raises(ProviderError, match="nil pointer dereference"):
        life(resource).create()


@pytest.mark.parametrize(
    ("field", "value"), [("id", "1"), ("port", 22), ("subnet_size", "0"), ("notes", True)]
)
def test_types_in_an_answer_matter(life: Lives, server: Server, field: str, value: object) -> None:
    rule = {"id": 1, "ip_type": "v4", "protocol": "tcp", "port": "22", "subnet": "0.0.0.0", "subnet_size": 0}
    server.behaviour = lambda _: Answer(200, {"firewall_rule": {**rule, field: value}})
    words = rf"cannot unmarshal \w+ into Go struct field .*{field} of type"
    with pytest.raises(ProviderError, match=words):
        life("FirewallRule").create()


def test_vpcs_come_in_pages(life: Lives, account: Account, server: Server) -> None:
    one = life("Instance")
    one.create()

    def paged(call: object) -> Answer:
        path = call.path  # type: ignore[attr-defined]
        if not path.partition("?")[0].endswith("/vpcs"):
            return account.answer(call)  # type: ignore[arg-type]
        first = "cursor" not in path
        links = {"next": "bmV4dA==" if first else "", "prev": ""}
        return Answer(200, {"vpcs": [{"id": "one" if first else "two"}], "meta": {"links": links}})

    server.behaviour = paged
    server.taken()
    assert one.refresh().outputs["vpcIds"] == ["one", "two"]
    assert [call.path for call in server.taken() if "vpcs" in call.path][1].endswith("?cursor=bmV4dA%3D%3D")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_what_is_tried_again(life: Lives, account: Account, waits: list[float], status: int) -> None:
    account.faults.append(Fault("POST", "ssh-keys", Answer(status, {"error": "later"}), times=3))
    life("SSHKey").create()
    assert waits == pytest.approx([1 / 3, 0.5, 0.5])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
def test_what_is_not(life: Lives, account: Account, server: Server, status: int) -> None:
    """The message is the body as it came."""
    account.faults.append(Fault("POST", "ssh-keys", Answer(status, {"error": "no", "status": status})))
    with pytest.raises(ProviderError) as failed:
        life("SSHKey").create()
    assert f'error creating SSH key: {{"error":"no","status":{status}}}' in str(failed.value)
    assert len(server.taken()) == 1


@pytest.mark.parametrize("answer", [TROUBLE, CUT])
@pytest.mark.parametrize("method", ["POST", "GET", "PATCH", "DELETE"])
def test_every_method_is_tried_again(
    life: Lives, account: Account, server: Server, method: str, answer: Answer
) -> None:
    account.faults.append(Fault(method, "ssh-keys", answer, times=3))
    one = life("SSHKey")
    one.create()
    one.update(name="other")
    one.delete()
    assert account.things == {}
    assert len([call for call in server.taken() if call.method == method]) == (5 if method == "GET" else 4)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_may_ask_for_a_longer_wait(
    life: Lives, account: Account, waits: list[float], status: int
) -> None:
    account.faults.append(Fault("POST", "ssh-keys", Answer(status, None, {"Retry-After": "120"})))
    life("SSHKey").create()
    assert waits == [120]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"rateLimit": 3000}, [2, 3, 3]),
        ({"rateLimit": "3000", "retryLimit": "1"}, [2]),
        ({"retryLimit": 0}, [1 / 3, 0.5, 0.5]),
        ({"retryLimit": 5}, [1 / 3, 0.5, 0.5, 0.5, 0.5]),
    ],
)
def test_limits_of_the_provider(
    life: Lives,
    vultr: Provider,
    account: Account,
    waits: list[float],
    limits: dict[str, object],
    expected: list[float],
) -> None:
    vultr.configure({"apiKey": KEY, **limits})
    account.faults.append(Fault("POST", "ssh-keys", TROUBLE, times=99))
    with pytest.raises(ProviderError, match=f"gave up after {len(expected) + 1} attempts, last error: "):
        life("SSHKey").create()
    assert waits == pytest.approx(expected)


@pytest.mark.parametrize("answer", [TROUBLE, CUT])
@pytest.mark.parametrize("resource", ["SSHKey", "Vpc", "Instance", "LoadBalancer"])
def test_a_reply_that_is_lost_makes_it_twice_and_the_state_knows_the_second(
    life: Lives, account: Account, resource: str, answer: Answer
) -> None:
    account.faults.append(Fault("POST", "^/v2/[a-z-]+$", answer, after=True))
    one = life(resource)
    one.create()
    first, second = (str(thing["id"]) for thing in account.things.values())
    assert (one.state.id, first == second) == (second, False)


def test_a_zone_whose_reply_is_lost_is_not_in_the_state(life: Lives, account: Account) -> None:
    account.faults.append(Fault("POST", "domains", CUT, after=True))
    with pytest.raises(ProviderError, match="Domain already exists"):
        life("DnsDomain").create()
    assert len(account.of("domains")) == 1


def test_a_deletion_whose_reply_is_lost_fails_and_a_refresh_finds_it_gone(
    life: Lives, account: Account
) -> None:
    one = life("SSHKey")
    one.create()
    account.faults.append(Fault("DELETE", "ssh-keys", CUT, after=True))
    with pytest.raises(ProviderError, match=r"error destroying SSH key .*Invalid ssh key"):
        one.delete()
    assert one.refresh().id == ""


def test_an_answer_that_breaks_off_is_not_tried_again(life: Lives, account: Account, server: Server) -> None:
    account.faults.append(Fault("POST", "ssh-keys", Answer(201, {"ssh_key": {"id": "1"}}, short=True)))
    with pytest.raises(ProviderError, match="unexpected EOF"):
        life("SSHKey").create()
    assert len(server.taken()) == 1


def test_nobody_answers(life: Lives, vultr: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEB_VULTR_API", "http://127.0.0.1:9/v2")
    vultr.configure({"apiKey": KEY})
    words = 'gave up after 4 attempts, last error : Post "http://127.0.0.1:9/v2/ssh-keys": .*refused'
    with pytest.raises(ProviderError, match=words):
        life("SSHKey").create()


@pytest.mark.parametrize("known", [True, False])
def test_a_server_with_a_certificate_of_its_own(
    account: Account,
    life: Lives,
    vultr: Provider,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    known: bool,
) -> None:
    certificate = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "server.key")
    with Server(account.answer, context).running() as secure:
        monkeypatch.setenv("CODEB_VULTR_API", secure.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate if known else "/nowhere"))
        vultr.configure({"apiKey": KEY})
        if known:
            return life("SSHKey").create()
        with pytest.raises(ProviderError, match=r"gave up after 1 attempts, last error : Post"):
            life("SSHKey").create()
    return None


def test_the_key_comes_from_the_environment_and_is_not_recorded(
    account: Account, life: Lives, vultr: Provider, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VULTR_API_KEY", "of the environment")
    assert vultr.check_config({}).inputs == {"version": "2.27.1"}
    assert vultr.check_config({}).failures == ()
    vultr.configure({})
    life("SSHKey").create()
    assert server.taken()[0].headers["Authorization"] == "Bearer of the environment"


def test_without_any_key_the_provider_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VULTR_API_KEY", raising=False)
    ((_, reason),) = factory("vultr", "2.27.1").check_config({}).failures
    assert "pulumi config set vultr:apiKey" in reason


def test_what_is_not_there_yet_is_refused_by_name(vultr: Provider) -> None:
    for later in ("databaseDb:DatabaseDb", "objectStorage:ObjectStorage"):
        with pytest.raises(ProviderError, match=f"no stand-in for vultr:index/{later}"):
            vultr.check(f"vultr:index/{later}", "urn", {}, {}, b"")


def test_a_key_that_fits_no_header_is_not_in_the_error_either(
    life: Lives, vultr: Provider, server: Server
) -> None:
    """As Go's client says it, without another attempt."""
    vultr.configure({"apiKey": f"{KEY}\n"})
    with pytest.raises(
        ProviderError, match=r"gave up after 1 attempts, .*invalid header field value"
    ) as failed:
        life("SSHKey").create()
    assert KEY not in str(failed.value)
    assert server.taken() == []
