"""What all parts of the outputs have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Open to keys that later programs add; a field with a default may be absent, as earlier programs left it out."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)
