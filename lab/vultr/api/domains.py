"""/domains and their records. Nothing resolves them: a test reads them here."""

from __future__ import annotations

import ipaddress
import re
import uuid

from lab.vultr.api.call import Answer, ApiError, Call, Route, public
from lab.vultr.api.lists import listing
from lab.vultr.files import Json

GONE = "Invalid domain"
RECORD_GONE = "Invalid record ID"
EXISTS = "Domain already exists"
TTL = 300
TYPES = ("A", "AAAA", "CNAME", "NS", "MX", "SRV", "TXT", "CAA", "SSHFP")
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def create(call: Call) -> Answer:
    """POST; a 400 when the account has it already. Name servers come with it, with an `ip` a few records more."""
    name = str(call.given("domain", str)).lower()
    if not _NAME.fullmatch(name):
        raise ApiError(400, GONE)
    if name in call.account["domains"]:
        raise ApiError(400, EXISTS)
    item = {"domain": name, "dns_sec": call.given("dns_sec", str, "disabled"), "_records": {}}
    domain = call.add("domains", item, key=name)
    for server in ("ns1.vultr.com", "ns2.vultr.com"):
        _add(call, domain, {"type": "NS", "name": "", "data": server})
    address = call.given("ip", str, "")
    if address:
        _add(call, domain, _checked({"type": "A", "name": "", "data": address}))
        _add(call, domain, {"type": "CNAME", "name": "*", "data": name})
        _add(call, domain, {"type": "MX", "name": "", "data": name, "priority": 10})
    return Answer(200, lambda account: {"domain": public(domain)})


def read(call: Call) -> Answer:
    domain = call.item("domains", GONE)
    return Answer(200, lambda account: {"domain": public(domain)})


def update(call: Call) -> Answer:
    domain = call.item("domains", GONE)
    domain["dns_sec"] = call.given("dns_sec", str)
    if domain["dns_sec"] not in ("enabled", "disabled"):
        raise ApiError(400, "Invalid dns_sec")
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE, with all its records."""
    del call.account["domains"][call.item("domains", GONE)["domain"]]
    return Answer(204)


def all_of_them(call: Call) -> Answer:
    return listing(call, "domains", call.account["domains"].values(), public)


def create_record(call: Call) -> Answer:
    """POST of a record; the same one again is another record."""
    domain = call.item("domains", GONE)
    record = {
        "type": call.given("type", str).upper(),
        "name": call.given("name", str),
        "data": call.given("data", str),
    }
    times = {"priority": call.given("priority", int, 0), "ttl": call.given("ttl", int, TTL) or TTL}
    added = _add(call, domain, _checked(record) | times)
    return Answer(201, lambda account: {"record": public(added)})


def read_record(call: Call) -> Answer:
    record = _record(call)
    return Answer(200, lambda account: {"record": public(record)})


def update_record(call: Call) -> Answer:
    record = _record(call)
    for name in ("name", "data"):
        record[name] = call.given(name, str, record[name])
    for name in ("ttl", "priority"):
        record[name] = call.given(name, int, record[name])
    _checked(record)
    return Answer(204)


def delete_record(call: Call) -> Answer:
    del call.item("domains", GONE)["_records"][_record(call)["id"]]
    return Answer(204)


def all_records(call: Call) -> Answer:
    return listing(call, "records", call.item("domains", GONE)["_records"].values(), public)


def _record(call: Call) -> Json:
    record: Json | None = call.item("domains", GONE)["_records"].get(call.ids["record"])
    if record is None:
        raise ApiError(404, RECORD_GONE)
    return record


def _add(call: Call, domain: Json, record: Json) -> Json:
    record = {"id": str(uuid.uuid4()), "priority": 0, "ttl": TTL, **record, "_number": call.number()}
    domain["_records"][record["id"]] = record
    return record


def _checked(record: Json) -> Json:
    if record["type"] not in TYPES:
        raise ApiError(400, "Invalid record type")
    versions = {"A": 4, "AAAA": 6}
    if record["type"] in versions:
        try:
            version: int = ipaddress.ip_address(record["data"]).version
        except ValueError:
            version = 0
        if version != versions[record["type"]]:
            raise ApiError(400, "Invalid record data")
    return record


ROUTES = [
    Route("POST", "/domains", create),
    Route("GET", "/domains", all_of_them),
    Route("GET", "/domains/{id}", read),
    Route("PUT", "/domains/{id}", update),
    Route("DELETE", "/domains/{id}", delete),
    Route("POST", "/domains/{id}/records", create_record),
    Route("GET", "/domains/{id}/records", all_records),
    Route("GET", "/domains/{id}/records/{record}", read_record),
    Route("PATCH", "/domains/{id}/records/{record}", update_record),
    Route("DELETE", "/domains/{id}/records/{record}", delete_record),
]
