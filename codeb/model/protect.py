"""Who gets to see an app at all: logins with a password, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from codeb.model import types as t
from codeb.model.addresses import AddressRange
from codeb.model.problems import refusal
from codeb.model.section import Section
from codeb.model.shapes import Shape

LoginName = Annotated[
    str,
    Shape(
        "a login's name",
        "Write letters, digits and ._@-, for example ann.",
        r"[A-Za-z0-9][A-Za-z0-9._@-]*",
        64,
    ),
]
PasswordHash = Annotated[
    str,
    Shape(
        "a bcrypt hash of cost 10 to 14",
        "Let `codeb protect PROJECT --user NAME` write it.",
        r"\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}",
        longest=60,
        shortest=60,
        show=False,
    ),
]
"""Less than cost 10 is guessed too fast; with more than 14 every wrong password would keep an edge busy for seconds."""


class Protect(Section):
    """What a visitor has to have: one of the addresses, if any are named, and one of the logins, if any are named."""

    users: Mapping[LoginName, PasswordHash] = Field(
        default_factory=dict, max_length=100, repr=False, json_schema_extra={"additionalProperties": False}
    )
    """Logins, name: bcrypt hash of the password; `codeb protect PROJECT --user NAME` writes them."""
    addresses: t.Items[AddressRange] = ()
    """Addresses and networks that visitors may come from; from anywhere when left out."""

    @model_validator(mode="after")
    def _from_somebody(self) -> Self:
        if not self.users and not self.addresses:
            remedy = "Name users (codeb protect PROJECT --user NAME) or addresses, or remove protect."
            raise refusal("keeps nobody out", remedy)
        return self
