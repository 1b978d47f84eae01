"""`codeb:previews`: how many preview environments a stack has, and how much each may take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from codeb.model import types as t
from codeb.model.settings.base import Number, Optional, Setting

MIB = 1 << 20


class Previews(Setting):
    """Limits of preview environments."""

    max: Annotated[Number, Field(ge=1, le=50)] = 5
    """Most that are open at once."""
    ttl_hours: Annotated[Number, Field(ge=1, le=90 * 24)] = 72
    """Hours after its last push until one may be closed; who opens it writes the time down."""
    cpu: Annotated[float, Field(strict=False, ge=0.05, le=64)] = 0.5
    """CPU cores that each of its containers may take; the manifest's own limit where that is less."""
    memory: t.Memory = 256 * MIB
    """Memory of each container; the manifest's own limit where that is less."""
    domain: Optional[t.DomainName] = None
    """Domain that their names are below; the stack's when left out."""
