"""`vultr:index/instance:Instance`: it is there once it is active and, ten seconds later, running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr import instance_body
from lab.providers.vultr.answers import PanicError, decoded, unwrapped
from lab.providers.vultr.api import ApiError
from lab.providers.vultr.resource import REGION, VultrResource, not_empty, saying, text
from lab.providers.vultr.waiting import CREATE_LIMIT_S, again_while, until

TYPE: Final = "vultr:index/instance:Instance"
_CHOSEN: Final = Attribute(computed=True, replaces=True)
_SHOWN: Final = Attribute(output_only=True)
_COUNTED: Final = Attribute(Kind.INT, output_only=True)
_TIME: Final = Attribute(Kind.INT, computed=True)
_SCHEDULE: Final = {"type": str, "hour": int, "dow": int, "dom": int}
_SCHEDULES: Final = ("daily", "weekly", "monthly", "daily_alt_even", "daily_alt_odd")
_RESERVED: Final = "Floating IPv4 address is already attached to another server"


class Instance(VultrResource):
    """A server. Label and user data are never read back: what is changed by hand there is not seen."""

    path, wrapper = "/instances", "instance"
    gone, unread = "invalid instance ID", "error getting instance ({id}): "
    fields: ClassVar = (
        dict.fromkeys(
            ("os", "main_ip", "date_created", "status", "netmask_v4", "gateway_v4", "power_status", "server_status",
             "internal_ip", "kvm", "v6_network", "v6_main_ip", "firewall_group_id", "region", "plan", "hostname",
             "user_scheme"), str,
        )
        | dict.fromkeys(("ram", "disk", "vcpu_count", "allowed_bandwidth", "v6_network_size", "os_id", "app_id"), int)
        | {"tags": list, "features": list}
    )  # fmt: skip
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "region": REGION,
        "plan": Attribute(required=True, valid=not_empty("plan")),
        "isoId": Attribute(default=""),
        "appId": Attribute(Kind.INT, computed=True, replaces=True),
        "imageId": _CHOSEN,
        "osId": Attribute(Kind.INT, computed=True, replaces=True),
        "scriptId": _CHOSEN,
        "ipxeChainUrl": Attribute(replaces=True),
        "enableIpv6": Attribute(Kind.BOOL),
        "disablePublicIpv4": Attribute(Kind.BOOL, replaces=True),
        "vpcIds": Attribute(Kind.SET, computed=True),
        "vpc2Ids": Attribute(Kind.SET),
        "label": Attribute(computed=True),
        "sshKeyIds": Attribute(Kind.LIST, replaces=True),
        "snapshotId": _CHOSEN,
        "userData": _CHOSEN,
        "activationEmail": Attribute(Kind.BOOL),
        "ddosProtection": Attribute(Kind.BOOL, default=False),
        "hostname": _CHOSEN,
        "tags": Attribute(Kind.SET),
        "reservedIpId": _CHOSEN,
        "firewallGroupId": Attribute(computed=True),
        "backups": Attribute(default="disabled", choices=("enabled", "disabled")),
        "backupsSchedule": Attribute(
            Kind.LIST,
            single=True,
            elements={
                "type": Attribute(required=True, choices=_SCHEDULES),
                "hour": _TIME,
                "dow": _TIME,
                "dom": _TIME,
            },
        ),
        "userScheme": Attribute(replaces=True, default="root"),
        "appVariables": Attribute(Kind.MAP, replaces=True),
        **dict.fromkeys(
            ("os", "mainIp", "dateCreated", "status", "netmaskV4", "gatewayV4", "powerStatus", "serverStatus",
             "v6Network", "v6MainIp", "internalIp", "kvm"), _SHOWN,
        ),
        **dict.fromkeys(("ram", "disk", "vcpuCount", "allowedBandwidth", "v6NetworkSize"), _COUNTED),
        "defaultPassword": Attribute(output_only=True, secret=True),
        "features": Attribute(Kind.LIST, output_only=True),
    }  # fmt: skip

    def insert(self, wanted: dict[str, Any]) -> str:
        """The password is in the answer to this call only."""
        body, made = instance_body.creation(wanted), dict[str, Any]()
        with saying("error creating server: "):
            again_while(
                self._api,
                lambda: made.update(self.make(body, more={"default_password": str})),
                _RESERVED,
                "cannot create instance with reserved IP: ",
                limit_s=CREATE_LIMIT_S,
            )
        wanted["defaultPassword"] = made["default_password"]
        return str(made["id"])

    def complete(self, id_: str, wanted: Properties) -> None:
        with saying(f"error while waiting for Server {id_} to be completed: "):
            until(self._api, lambda: self._word(id_, "status"), "active", ("pending", "installing"))
        with saying(f"error while waiting for Server {id_} to be in a active state : "):
            until(self._api, lambda: self._word(id_, "power_status"), "running", ("stopped",))
        if wanted["backups"] == "enabled":
            with saying("error setting backup schedule: "):
                self._set_schedule(id_, wanted)

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        found = super().fetch(id_, known)
        if found is None:
            return None
        values = found[1] | self._backups(id_)
        with saying("error getting list of attached VPCs: "):
            attached = self._attached(id_, "vpcs")
        with saying("error getting list of attached VPCs 2.0: "):
            attached_2 = self._attached(id_, "vpc2")
        if known.get("vpcIds"):
            values["vpcIds"] = attached
        if known.get("vpc2Ids"):
            values["vpc2Ids"] = attached_2
        return id_, values

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        scheduled = bool(wanted["backupsSchedule"])
        if "backups" in changed and (wanted["backups"] == "enabled") != scheduled:
            remedy = "remove" if scheduled else "add"
            raise ApiError(f"Backups are being set to {wanted['backups']} please {remedy} backups_schedule")
        with saying(f"error updating instance {id_} : "):
            self._api.ask("PATCH", self.place(id_, old), instance_body.update(old, wanted, changed))
        if "isoId" in changed:
            self._change_iso(id_, text(wanted["isoId"]))
        if wanted["backups"] != "disabled" and "backupsSchedule" in changed:
            with saying(f"error setting backup for {id_} : "):
                self._set_schedule(id_, wanted)
        if "plan" in changed:
            with saying(f"error while waiting for instance {id_} to have updated plan : "):
                until(self._api, lambda: self._word(id_, "plan"), wanted["plan"], (text(old.get("plan")),))
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        for body in instance_body.detachments(old):
            with saying(f"error detaching VPCs prior to deleting instance {id_} : "):
                self._api.ask("PATCH", self.place(id_, old), body)
        if old.get("isoId"):
            with saying(f"error detaching ISO prior to deleting instance {id_} : "):
                self._api.tell("POST", f"{self.place(id_, old)}/iso/detach")
        with saying(f"error destroying instance {id_} : "):
            self._api.tell("DELETE", self.place(id_, old))

    def _word(self, id_: str, field: str) -> str:
        """One field as it is now; the words for trouble are the plugin's, which spells them in two ways."""
        with saying(f"error retrieving {'instance' if field == 'plan' else 'Server'} {id_} : "):
            answer = unwrapped(self._api.get(self.place(id_, {})), self.wrapper)
            return str(decoded(answer, {field: str}, self.wrapper)[field])

    def _backups(self, id_: str) -> dict[str, Any]:
        with saying("error getting backup schedule: "):
            answer = unwrapped(self._api.get(f"{self.place(id_, {})}/backup-schedule"), "backup_schedule")
            values = decoded(answer, _SCHEDULE, "backup_schedule")
        if answer.get("enabled") is None:
            raise PanicError("enabled")
        on = bool(answer["enabled"])
        return {"backups": "enabled" if on else "disabled", "backupsSchedule": values if on else None}

    def _attached(self, id_: str, kind: str) -> list[str]:
        """The ids of a list that comes in pages."""
        ids: list[str] = []
        query: dict[str, str] = {}
        while True:
            answer = self._api.get(f"{self.place(id_, {})}/{kind}", query)
            page = answer.get("vpcs") or []
            ids += [text(item.get("id")) for item in page]
            if not page:
                return ids
            links = unwrapped(unwrapped(answer, "meta"), "links")
            if not links.get("next"):
                return ids
            query = {"cursor": links["next"]}

    def _set_schedule(self, id_: str, wanted: Properties) -> None:
        path = f"{self.place(id_, wanted)}/backup-schedule"
        self._api.tell("POST", path, instance_body.schedule(wanted))

    def _change_iso(self, id_: str, iso: str) -> None:
        path = f"{self.place(id_, {})}/iso"
        if iso:
            with saying(f"error attaching iso to instance {id_} : "):
                self._api.tell("POST", f"{path}/attach", {"iso_id": iso})
        else:
            with saying(f"error detaching iso from instance {id_} : "):
                self._api.tell("POST", f"{path}/detach")
