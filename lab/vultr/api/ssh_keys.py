"""/ssh-keys"""

from __future__ import annotations

import re

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.lists import listing

GONE = "Invalid ssh key"
_KEY = re.compile(r"(ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp\d+|sk-[\w@.-]+) \S+.*")


def create(call: Call) -> Answer:
    """POST; the same key any number of times: it has no name that were unique."""
    key = call.add("ssh_keys", {"name": call.given("name", str), "ssh_key": _key(call)})
    return Answer(201, lambda account: {"ssh_key": public(key)})


def read(call: Call) -> Answer:
    key = call.item("ssh_keys", GONE)
    return Answer(200, lambda account: {"ssh_key": public(key)})


def update(call: Call) -> Answer:
    """PATCH; an empty body changes nothing."""
    key = call.item("ssh_keys", GONE)
    key["name"] = call.given("name", str, key["name"])
    if call.body.get("ssh_key") is not None:
        key["ssh_key"] = _key(call)
    return Answer(204)


def delete(call: Call) -> Answer:
    del call.account["ssh_keys"][call.item("ssh_keys", GONE)["id"]]
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    return listing(call, "ssh_keys", call.account["ssh_keys"].values(), public)


def _key(call: Call) -> str:
    text = str(call.given("ssh_key", str))
    if not _KEY.fullmatch(text.strip()):
        raise ApiError(400, "Invalid SSH key")
    return text


ROUTES = [
    Route("POST", "/ssh-keys", create),
    Route("GET", "/ssh-keys", all_of_them),
    Route("GET", "/ssh-keys/{id}", read),
    Route("PATCH", "/ssh-keys/{id}", update),
    Route("DELETE", "/ssh-keys/{id}", delete),
]
