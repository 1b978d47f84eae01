"""What a vault answers: documents, and errors in the words of Vault 1.21."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """A status and a document; None for no content."""

    status: int
    document: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def data(content: Json | None, auth: Json | None = None) -> Reply:
    """What went well."""
    envelope = {"request_id": str(uuid.uuid4()), "lease_id": "", "renewable": False, "lease_duration": 0}
    return Reply(200, {**envelope, "data": content, "wrap_info": None, "warnings": None, "auth": auth})


def error(status: int, *texts: str) -> Reply:
    """What did not."""
    return Reply(status, {"errors": list(texts)})


NOTHING = error(404)
NOBODY = error(403, "permission denied")
DENIED = error(403, "1 error occurred:\n\t* permission denied\n\n")
INVALID_TOKEN = error(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
SEALED = error(503, "Vault is sealed")
"""Who comes without a token, who may not, who has a token that is none: as vault/request_handling.go says it (CheckToken,
fetchACLTokenEntryAndEntity); and helper/consts (ErrSealed)."""


def gone(content: Json) -> Reply:
    """What was there: said with the status of what is not (sdk/logical, RespondWithStatusCode)."""
    return Reply(404, data(content).document)


NO_CONTENT = Reply(404)
"""The same without anything to say of it."""
