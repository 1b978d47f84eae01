"""Environment variables of a project: names it may set, and names that the platform sets."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from codeb.model.problems import refusal, shown
from codeb.model.shapes import LONGEST_VALUE, TEXT, Shape, not_a_value, refuse_markers

_PLATFORM_VARIABLES = {
    "DATABASE_*": "Set resources.database instead.",
    "REDIS_*": "Set resources.cache instead.",
    "MINIO_*": "Set resources.storage instead.",
    "PORT": "Set environment.port instead.",
    "APP_STAGE": "Set environment.stage instead.",
    "NEXT_PUBLIC_APP_NAME": "Set environment.app_name instead.",
    "NEXT_PUBLIC_API_URL": "Set environment.api_url instead.",
    "NEXTAUTH_*": "It follows from environment.domain and the stack's root secret; remove it.",
    "CODEB_*": "It says what runs where; remove it.",
    "NODE_ENV": "It is always production; remove it.",
    "HOSTNAME": "The app has to listen on all addresses; remove it.",
    "NODE_EXTRA_CA_CERTS": "It names the platform's CA; remove it.",
}


def platform_variable(name: str) -> str | None:
    """Where to set the platform's own variable `name`; None for names that are free for projects."""
    for pattern, remedy in _PLATFORM_VARIABLES.items():
        if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
            return remedy
    return None


def _free_name(name: str) -> str:
    if remedy := platform_variable(name):
        raise refusal(f"{shown(name)} is set by the platform", remedy)
    return name


def _value(text: str) -> str:
    if cause := not_a_value(text, LONGEST_VALUE):
        raise refusal(cause, "Write text without NUL characters.")
    return text


EnvName = Annotated[
    str,
    Shape(
        "a variable name",
        "Write letters, digits and underscores, for example FEATURE_FLAGS.",
        r"[A-Za-z_][A-Za-z0-9_]*",
        longest=128,
        show=False,
    ),
    AfterValidator(_free_name),
]
"""Name of a variable or secret that a project may set itself."""
EnvValue = Annotated[
    str,
    AfterValidator(_value),
    Shape("text", "Write text without NUL characters.", TEXT, longest=8192, shortest=0, show=False),
    AfterValidator(refuse_markers),
]
"""Value of a variable, line breaks included; never repeated in a message."""
