"""What is wrong with data disks and shares, in words: pure judgements of facts."""

from __future__ import annotations

from typing import Final

from agent.host.paths import mount_unit
from agent.report.diagnosis import DISK_PERCENT, Problem
from agent.storage.facts import DiskFacts, ShareFacts

_APPLY: Final = "apply the server's bundle again (`pulumi up`, or codeb-agent apply)"
_ATTACHED: Final = "see in Vultr's console whether it is attached to this server, then " + _APPLY


def of_disk(facts: DiskFacts) -> list[Problem]:
    """Everything wrong with one disk. What stands on it doesn't start while it isn't mounted."""
    name = f"data disk {facts.device}"
    if facts.size is None:
        return [Problem(f"{name} of {facts.path} is missing", _ATTACHED)]
    if not facts.mounted:
        return [
            Problem(
                f"{name} is not mounted at {facts.path}",
                f"see `systemctl status {mount_unit(facts.path)}`; {_APPLY}",
            )
        ]
    found = []
    if facts.read_only:
        found.append(
            Problem(
                f"{name} at {facts.path} is read-only",
                "`dmesg` tells why; reboot the server once the cause is gone",
            )
        )
    if facts.free_percent is not None and 100 - facts.free_percent > DISK_PERCENT:
        what = f"{facts.path} ({facts.device}) is {100 - facts.free_percent:.0f} % full"
        found.append(Problem(what, "a larger dataDisk in the settings, then `pulumi up`: it grows in place"))
    if facts.grown:
        what = f"{name} is larger than its file system by {facts.spare / (1 << 30):.1f} GiB"
        found.append(Problem(what, f"{_APPLY}: the file system grows in place"))
    if not facts.at_boot:
        found.append(Problem(f"{name} isn't mounted at boot", _APPLY))
    return found


def of_share(facts: ShareFacts) -> list[Problem]:
    """A share that is gone or hangs."""
    if facts.answers:
        return []
    what = "doesn't answer" if facts.mounted else "is not mounted"
    return [
        Problem(
            f"the share at {facts.path} {what}",
            f"see `systemctl status {mount_unit(facts.path)}`; {_ATTACHED}",
        )
    ]
