"""Accounts, faults and calls as tables, without anything secret."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.table import Table

from lab.vultr.api import blocks, databases, instance_view, load_balancers, object_storages, vfs
from lab.vultr.files import Json
from lab.vultr.simulator import Folder
from lab.vultr.store import read

Row = tuple[str, str, str, str, str]


def tables(folder: Folder) -> Iterator[Table]:
    """One table an account: everything it has, and what the machines still have to do or could not."""
    for name, account in read(folder.folder)["accounts"].items():
        table = _table(name, "kind", "id", "name", "state", "with")
        for row in rows(account, time.time()):
            table.add_row(*row)
        yield table


def rows(account: Json, now: float) -> Iterator[Row]:
    """Kind, id, name, state, and what it is connected with."""
    for one in account["instances"].values():
        seen = instance_view.view(one, now)
        state = f"{seen['status']} {seen['power_status']} {seen['server_status']}"
        place = f"{seen['plan']} {seen['main_ip']} {seen['internal_ip']} {','.join(seen['tags'])}"
        yield "instance", one["id"], f"{one['label']} ({one['hostname']})", state, place
    for one in account["blocks"].values():
        seen = blocks.view(account, one, now)
        yield (
            "block",
            one["id"],
            one["label"],
            f"{seen['status']} {one['size_gb']} GB",
            one["attached_to_instance"],
        )
    for one in account["load_balancers"].values():
        seen = load_balancers.view(one, now)
        yield (
            "balancer",
            one["id"],
            one["label"],
            f"{seen['status']} {one['ipv4']}",
            " ".join(one["instances"]),
        )
    for one in account["vfs"].values():
        yield "vfs", one["id"], one["label"], vfs.view(one, now)["status"], " ".join(one["_tags"])
    for one in account.get("databases", {}).values():
        yield "database", one["id"], one["label"], databases.view(one, now)["status"], one["plan"]
    for one in account.get("object_storages", {}).values():
        seen = object_storages.view(one, now)
        yield "object storage", one["id"], one["label"], seen["status"], seen["s3_hostname"]
    yield from _plain(account)


def _plain(account: Json) -> Iterator[Row]:
    for one in account["reserved_ips"].values():
        yield "reserved IP", one["id"], one["label"], one["subnet"], one["instance_id"]
    for one in account["vpcs"].values():
        yield "VPC", one["id"], one["description"], f"{one['v4_subnet']}/{one['v4_subnet_mask']}", ""
    for one in account["firewall_groups"].values():
        rules = (f"{rule['protocol']} {rule['port']} {rule['ip_type']}" for rule in one["_rules"].values())
        yield "firewall", one["id"], one["description"], ", ".join(rules), ""
    for one in account["ssh_keys"].values():
        yield "SSH key", one["id"], one["name"], "", ""
    for one in account["domains"].values():
        records = (
            f"{record['name']} {record['type']} {record['data']}" for record in one["_records"].values()
        )
        yield "domain", one["domain"], "", one["dns_sec"], ", ".join(records)
    for one in account["todo"]:
        yield "to do", "", one["call"], "", " ".join(one["touches"])
    for one in account["failures"]:
        yield "failed", "", one["call"], one["error"], " ".join(one["touches"])


def faults(folder: Folder) -> Table:
    """The rules and how often they have hit."""
    table = _table("faults", "kind", "calls", "probability", "seen", "hits", "more")
    for one in folder.faults.rules():
        more = f"seed {one['seed']}, count {one['count']}, {one['seconds']:g} s, {one['per_second']} a second"
        calls_ = f"{one['method']} {one['path']} of {one['account']}"
        table.add_row(
            one["kind"], calls_, f"{one['probability']:g}", str(one["seen"]), str(one["hits"]), more
        )
    return table


def calls(folder: Folder, number: int) -> Table:
    """The last calls, the newest first."""
    table = _table("calls", "when", "account", "call", "status", "fault", "seconds")
    for one in reversed(folder.calls()[-number:]):
        when = time.strftime("%H:%M:%S", time.localtime(one.at))
        status = str(one.status or "cut")
        table.add_row(when, one.account, f"{one.method} {one.path}", status, one.fault, f"{one.seconds:g}")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    return table
