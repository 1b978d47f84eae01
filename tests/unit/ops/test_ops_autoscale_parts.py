"""What of two previews is a step's own, what waits for somebody else, and what no step may do."""

from __future__ import annotations

from codeb.model import Member, parse_settings
from ops.runs import Step
from ops.scaling.parts import compared

COMMAND, INSTANCE = "command:remote:Command", "vultr:index/instance:Instance"
RECORD, DATABASE = "vultr:index/dnsRecord:DnsRecord", "postgresql:index/database:Database"
SETTINGS = parse_settings(
    {
        "domain": "fleet.test",
        "provider": "vultr",
        "pools": [
            {"name": "default", "roles": ["app", "edge"], "count": 3, "plan": "vc2-2c-4gb"},
            {"name": "data", "roles": ["data"], "plan": "vc2-4c-8gb", "dataDisk": "100Gi"},
        ],
    }
)
MEMBERS = {member.server: member for member in SETTINGS.members}
SERVERS = {name: member.roles for name, member in MEMBERS.items()}
OWN = ("", "-agent", "-access", "-bundle", "-instance", "-serving")


def own(op: str, server: str = "app-3") -> list[Step]:
    return [Step(f"{server}{suffix}", op, INSTANCE if suffix == "-instance" else COMMAND) for suffix in OWN]


FOLLOWS = [
    Step("app-1-bundle", "update", COMMAND),
    Step("app-1-serving", "update", COMMAND),
    Step("data-1-bundle", "update", COMMAND),
    Step("platform-balancer", "update", "vultr:index/loadBalancer:LoadBalancer"),
    Step("shop-release-app-1", "update", COMMAND),
]


def found(without: list[Step], with_it: list[Step], moved: str = "app-3") -> tuple[set[str], set[str]]:
    answer = compared(without, with_it, [MEMBERS[moved]], SERVERS)
    return {each.resource for each in answer.others}, {each.resource for each in answer.wrong}


def test_a_server_that_comes_and_what_follows_elsewhere() -> None:
    step = [
        *own("create"),
        *FOLLOWS,
        Step("platform-dns-app3.fleet.test", "create", RECORD),
        Step("platform-dns-shop.fleet.test-app-3", "create", RECORD),
        Step("shop-route-app-3", "create", COMMAND),
    ]
    assert found([], step) == (set(), set())


def test_a_server_that_goes_and_its_apps_that_move() -> None:
    step = [
        *own("delete"),
        *FOLLOWS,
        Step("platform-dns-app3.fleet.test", "delete", RECORD),
        Step("shop-release-app-3", "delete", COMMAND),
        Step("shop-release-app-2", "create", COMMAND),
        Step("shop-route-app-2", "delete", COMMAND),
    ]
    assert found([], step) == (set(), set())


def test_what_waits_in_both_previews_is_somebody_else_s() -> None:
    waits = [Step("blog-release-app-1", "update", COMMAND), Step("new-database", "create", DATABASE)]
    others, wrong = found(waits, [*waits, *own("create"), *FOLLOWS])
    assert (others, wrong) == ({"blog-release-app-1", "new-database"}, set())


def test_the_remains_of_a_step_that_failed_are_not_somebody_else_s() -> None:
    """What it had done shows where nothing is asked, what it had not where it is asked again."""
    without = [Step("app-3", "delete", COMMAND), Step("app-3-instance", "delete", INSTANCE), FOLLOWS[0]]
    with_it = [
        Step("app-3-agent", "create", COMMAND),
        Step("app-3-instance", "update", INSTANCE),
        *FOLLOWS[1:],
    ]
    assert found(without, with_it) == (set(), set())


def test_nothing_of_other_servers_is_ever_taken_away() -> None:
    for step in (
        *own("delete", "app-2"),
        *own("replace", "app-1"),
        *own("delete", "data-1"),
        Step("data-1-disk-storage", "delete", "vultr:index/blockStorage:BlockStorage"),
        Step("data-1-disk-storage", "delete-replaced", "vultr:index/blockStorage:BlockStorage"),
        Step("shop-database", "delete", DATABASE),
        Step("shop-uploads", "replace", "minio:index/s3Bucket:S3Bucket"),
        Step("platform-balancer", "replace", "vultr:index/loadBalancer:LoadBalancer"),
    ):
        for without in ([], [step]):
            assert found(without, [*own("delete"), step])[1] == {step.resource}, step


def test_a_new_thing_that_no_server_is_part_of_is_no_step_s() -> None:
    assert found([], [*own("create"), Step("shop-database", "create", DATABASE)])[1] == {"shop-database"}


def test_names_that_only_begin_like_a_server_are_not_its() -> None:
    pool = Member(SETTINGS.pools[0].model_copy(update={"name": "app-3"}), 0, 1, "fleet.test")
    assert pool.server == "app-3-1"
    strangers = [Step(f"app-3-1{suffix}", "delete", COMMAND) for suffix in OWN]
    assert found([], [*own("delete"), *strangers])[1] == {each.resource for each in strangers}
    assert found([], [Step("shop-release-app-33", "delete", COMMAND)])[1] == {"shop-release-app-33"}
    assert found([], [Step("app-3-release-x", "delete", DATABASE)])[1] == {"app-3-release-x"}


def test_the_server_with_the_data_can_t_be_the_one_that_goes() -> None:
    assert found([], own("delete", "data-1"), "data-1")[1] == {f"data-1{suffix}" for suffix in OWN}
