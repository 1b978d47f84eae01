"""Who signs certificates, and where edges that order them keep them together.

Without that each edge would order those of every domain, and fail half of the CA's questions, which come to the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cryptography import x509
from pydantic import AfterValidator

from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.shapes import Shape

if TYPE_CHECKING:
    from codeb.model.settings.whole import Settings


def _secured(text: str) -> str:
    if text.startswith("https://"):
        return text
    raise refusal(
        f"{shown(text)} doesn't start with https://", "Write for example https://acme.example.com/directory."
    )


def _readable(text: str) -> str:
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise refusal("holds something else than certificates", "Copy the whole file again.") from None
    return text


Directory = Annotated[t.WebUrl, AfterValidator(_secured)]
Certificates = Annotated[
    str,
    Shape(
        "one or more certificates in PEM",
        "Write the whole text of the file, from -----BEGIN CERTIFICATE----- on.",
        r"(-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=]{1,76}\r?\n)+-----END CERTIFICATE-----\s*)+",
        longest=100_000,
        show=False,
    ),
    AfterValidator(_readable),
]
Folder = Annotated[
    str,
    Shape(
        "an absolute path",
        "Write a path of letters, digits and _/- that starts with /, with dots only inside of names.",
        r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+",
        longest=200,
    ),
]


def refuse_certificates(settings: Settings) -> None:
    """Raise the refusal when there is no place for them, or one that has no use."""
    here = sum("edge" in server.roles for server in settings.servers)
    made = sum("edge" in member.roles for member in settings.members)
    folder = settings.certificates_folder
    if not settings.orders or (made and not here):
        if folder is not None:
            why = (
                "keep certificates in a file system that Vultr makes"
                if settings.orders
                else "order no certificates"
            )
            raise refusal(f"the edges {why}", "Remove the line.", at=("certificatesFolder",))
    elif made and here:
        remedy = "Give the role edge to servers of one kind, or sign certificates yourself, with tlsIssuer: internal."
        raise refusal(
            "edges at Vultr and others have no place to keep certificates together", remedy, at=("servers",)
        )
    elif here > 1 and folder is None:
        remedy = (
            "Name the folder where they have mounted the same file system, or sign certificates yourself, with "
            "tlsIssuer: internal."
        )
        raise refusal(
            f"{here} edges order certificates and share no place for them", remedy, at=("certificatesFolder",)
        )
