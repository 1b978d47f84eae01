"""The verb `settle`: what the last rotation has left of earlier administrators is let in no more.

Pulumi runs it at the end of an update, once everything that was sent an earlier password has a later one.
"""

from __future__ import annotations

from agent.admins import minio, redis
from agent.admins.document import read_admins
from agent.admins.ensure import refuse_lower
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Busy, Ports

_WAIT_S = 900


def settle(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Raises BadDocument, Failed; run again it does the rest. PostgreSQL's password is one: it went with its change."""
    admins = read_admins(document)
    try:
        with ports.files.lock(paths.APPLY_LOCK, _WAIT_S):
            refuse_lower(ports, admins)
            ports.journal.log(f"settle by {by}: earlier passwords of administrators are taken no more")
            for instance in admins.redis:
                redis.settle(ports, instance)
            minio.settle(ports, admins)
            return {"ok": True}
    except Busy as error:
        raise Failed("lock", str(error), "wait for the other run to end and run again") from error
