"""/databases/{id}/users: who may log in to a managed database, and what a user of Valkey may do there.

What rules lead to is the machines' business. Texts of errors are guesses.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from lab.vultr.api import databases
from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid database user"
_RULES: Final = ("acl_categories", "acl_channels", "acl_commands", "acl_keys")
_EVERYTHING: Final = {
    "acl_categories": ["+@all"],
    "acl_channels": ["*"],
    "acl_commands": [],
    "acl_keys": ["*"],
}
"""What a user of Valkey may do until he is given rules."""


def create(call: Call) -> Answer:
    database = call.item("databases", databases.GONE)
    name: str = call.given("username", str)
    if not name or name in database["_users"] or name == databases.ADMIN:
        raise ApiError(400, "Invalid username")
    password = call.given("password", str, "") or secrets.token_hex(12)
    user: Json = {"username": name, "password": password, "_number": call.number()}
    if database["database_engine"] == "valkey":
        user["access_control"] = dict(_EVERYTHING)
    database["_users"][name] = user
    _served(call, database)
    return Answer(201, lambda account: {"user": public(user)})


def read(call: Call) -> Answer:
    user = _user(call)
    return Answer(200, lambda account: {"user": public(user)})


def update(call: Call) -> Answer:
    user = _user(call)
    user["password"] = call.given("password", str)
    _served(call, call.item("databases", databases.GONE))
    return Answer(202, lambda account: {"user": public(user)})


def rule(call: Call) -> Answer:
    """PUT; a list that is not there, or null, stays as it is: an empty one empties it."""
    user = _user(call)
    if "access_control" not in user:
        raise ApiError(400, "Access control is for Valkey")
    for name in _RULES:
        given = call.texts(name)
        if given is not None:
            user["access_control"][name] = given
    _served(call, call.item("databases", databases.GONE))
    return Answer(202, lambda account: {"user": public(user)})


def delete(call: Call) -> Answer:
    user = _user(call)
    database = call.item("databases", databases.GONE)
    del database["_users"][user["username"]]
    _served(call, database)
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    found = call.item("databases", databases.GONE)["_users"].values()
    return listing(call, "users", found, public)


def _served(call: Call, database: Json) -> None:
    """Its users are now others; those of a PostgreSQL are made by who logs in there."""
    if database["database_engine"] == "valkey":
        call.effect("make_database", database["id"], touches=[database["id"]])


def _user(call: Call) -> Any:
    found = call.item("databases", databases.GONE)["_users"].get(call.ids["user"])
    if found is None:
        raise ApiError(404, GONE)
    return found


ROUTES = [
    Route("POST", "/databases/{id}/users", create),
    Route("GET", "/databases/{id}/users", all_of_them),
    Route("GET", "/databases/{id}/users/{user}", read),
    Route("PUT", "/databases/{id}/users/{user}", update),
    Route("PUT", "/databases/{id}/users/{user}/access-control", rule),
    Route("DELETE", "/databases/{id}/users/{user}", delete),
]
