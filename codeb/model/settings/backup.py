"""`codeb:backup`: where backups go beside the stack's own store, and how much disk the archive may take."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.settings.base import Number, OffWhenEmpty, Optional, Setting
from codeb.model.settings.certificates import Certificates
from codeb.model.shapes import Shape

_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]+)?/?")


def _endpoint(text: str) -> str:
    if not (text.startswith("https://") or _LOOPBACK.fullmatch(text)):
        raise refusal(
            f"{shown(text)} doesn't start with https://",
            "Write for example https://icn1.vultrobjects.com; http is for the loopback only.",
        )
    bare = text.rstrip("/")
    if bare.count("/") > 2:
        raise refusal(
            f"{shown(text)} has a path", "Write host and port alone; the bucket is a key of its own."
        )
    return bare


Region = Annotated[
    str, Shape("a region", "Write it as the provider does, for example icn1.", r"[a-z0-9-]{1,40}", longest=40)
]
BucketName = Annotated[
    str,
    Shape(
        "a bucket's name",
        "Write 3 to 63 small letters, digits, dots and dashes.",
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        longest=63,
    ),
]


class SecondPlace(Setting):
    """A bucket elsewhere that speaks S3, for a copy of all backups; its keys are the secret `codeb:backupCredentials`."""

    endpoint: Annotated[t.WebUrl, AfterValidator(_endpoint)]
    """Where it answers, without the bucket."""
    region: Region = "us-east-1"
    """What requests are signed for."""
    bucket: BucketName
    """A bucket of its own: with versions, and made with object lock where the provider has it."""
    lock_days: Annotated[Number, Field(ge=0, le=365)] = 0
    """Days that nobody can delete an object after it was written (COMPLIANCE), not even the owner; 0 for no lock."""
    ca: Optional[Certificates] = None
    """Certificates (PEM) that its server is trusted by, when the system doesn't trust it."""


class Backups(Setting):
    """The second place of backups, and limits of the archive."""

    second: OffWhenEmpty[SecondPlace] = None
    """Another place for all backups; none when left out."""
    spool: Annotated[Number, Field(ge=1, le=1024)] = 1
    """GiB of WAL that wait on the host for a store that can't be reached."""
    slot: Annotated[Number, Field(ge=1, le=1024)] = 2
    """GiB of WAL that PostgreSQL keeps for the archive, before it gives it up and goes on."""
