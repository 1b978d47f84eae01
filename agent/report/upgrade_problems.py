"""What is wrong with an upgrade of PostgreSQL, in words."""

from __future__ import annotations

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.report.diagnosis import Problem
from agent.store.turn import held
from agent.upgrade import journal


def of_upgrade(ports: Ports) -> list[Problem]:
    """One that was cut off and that nobody is at; the service that ends such is among the failed units when it can't."""
    try:
        found = journal.load(ports)
    except Failed as error:
        return [Problem(str(error), error.failure.remedy)]
    if found is None or found.settled or held(ports):
        return []
    what = f"the upgrade of PostgreSQL {found.old.major} to {found.new.major} by {found.by} was cut off ({found.step})"
    return [
        Problem(
            what,
            "`systemctl start codeb-upgrade` ends it, or wait five minutes; `journalctl -u codeb-upgrade`",
        )
    ]
