"""What is kept of an object, read back."""

from __future__ import annotations

import hashlib

from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.store.sealed import Damaged, opened


def read_back(ports: Ports, place: Place, key: str, size: int) -> str:
    """The SHA-256 of a kept content; "" when it is damaged or of another size, and has to be brought again.

    Raises StoreError, PipeBroken when a program isn't there.
    """
    digest, taken = hashlib.sha256(), 0
    try:
        for piece in opened(ports, place, key, unless=ports.asker.gone):
            digest.update(piece)
            taken += len(piece)
    except Damaged as error:
        ports.journal.log(f"uploads: {error}")
        return ""
    return digest.hexdigest() if taken == size else ""
