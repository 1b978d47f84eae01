"""Users of a managed Valkey as the plugin's source has them: rules come after the user, and have no order."""

from __future__ import annotations

import pytest

from lab.providers.protocol import ProviderError
from tests.plugins.vultr.account import Account, Fault
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.server import Answer

pytestmark = pytest.mark.usefixtures("account")

RULES = {
    "aclCategories": ["-@all"],
    "aclCommands": ["+get", "+set", "+select|2"],
    "aclKeys": ["*"],
    "aclChannels": ["shop:*"],
}
USER = {"databaseId": "database_id", "username": "shop", "password": "s3cret", "accessControl": RULES}
PLACE = "/v2/databases/database_id/users"
NO = Answer(400, {"error": "Invalid acl_commands", "status": 400})


def test_rules_are_given_once_the_user_is_there(life: Lives) -> None:
    one = life("DatabaseUser", **USER)
    one.create()
    made, ruled, _ = one.server.taken()
    assert (made.method, made.path, made.body) == ("POST", PLACE, {"username": "shop", "password": "s3cret"})
    assert (ruled.method, ruled.path) == ("PUT", f"{PLACE}/shop/access-control")
    assert {name: sorted(each) for name, each in ruled.body.items()} == {
        "acl_categories": ["-@all"],
        "acl_channels": ["shop:*"],
        "acl_commands": ["+get", "+select|2", "+set"],
        "acl_keys": ["*"],
    }
    assert one.state.id == "shop"


def test_the_order_of_rules_is_no_difference(life: Lives) -> None:
    one = life("DatabaseUser", **USER)
    one.create()
    one.refresh()
    turned = {**RULES, "aclCommands": ["+set", "+select|2", "+get"]}
    assert not one.diff(accessControl=turned).changes


def test_other_rules_and_another_password_are_two_calls(life: Lives) -> None:
    one = life("DatabaseUser", **USER)
    one.create()
    calls = one.sent(password="other", accessControl={**RULES, "aclCommands": ["+get"]})
    assert [(call.method, call.path, call.body) for call in calls] == [
        ("PUT", f"{PLACE}/shop", {"password": "other"}),
        (
            "PUT",
            f"{PLACE}/shop/access-control",
            {
                "acl_categories": ["-@all"],
                "acl_channels": ["shop:*"],
                "acl_commands": ["+get"],
                "acl_keys": ["*"],
            },
        ),
    ]


def test_another_database_is_another_user(life: Lives) -> None:
    one = life("DatabaseUser", **USER)
    one.create()
    assert one.diff(databaseId="another").replaces == ("databaseId",)


def test_rules_that_were_refused_are_found_missing_by_a_refresh_alone(life: Lives, account: Account) -> None:
    """The user is there with whatever rights the service gives one: the next update sees no difference."""
    one = life("DatabaseUser", **USER)
    account.faults.append(Fault("PUT", "access-control", NO))
    assert "error updating user access control: " in one.failing(one.create)
    assert not one.diff().changes
    account.things["databases/database_id/users/shop"]["access_control"] = {
        "acl_categories": ["+@all"],
        "acl_channels": ["*"],
        "acl_commands": [],
        "acl_keys": ["*"],
    }
    one.refresh()
    assert one.diff(accessControl=RULES).changes


def test_no_word_of_an_error_means_that_it_is_gone(life: Lives, account: Account) -> None:
    one = life("DatabaseUser", **USER)
    one.create()
    account.faults.append(Fault("GET", ".", Answer(404, {"error": "Invalid database user", "status": 404})))
    with pytest.raises(ProviderError, match=r"error getting database user \(shop\): "):
        one.refresh()


def test_an_import_finds_none_as_it_knows_no_database(life: Lives) -> None:
    one = life("DatabaseUser", **USER)
    one.create()
    with pytest.raises(ProviderError, match="error getting database user"):
        one.provider.read(one.type, one.urn, "shop", {}, {})
    assert one.server.taken()[-1].path == "/v2/databases//users/shop"
