"""Fill in a template of `codeb/templates`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import jinja2

from codeb.render import quote

_TEMPLATES: Final = Path(__file__).parent.parent / "templates"


def secret_marker(purpose: str, number: int = 1) -> str:
    """The marker of a secret, filled in just before the text leaves for a host; `number` as in `RootSecret.derive`."""
    return f"@{{secret:{purpose}}}" if number == 1 else f"@{{secret:{purpose}:{number}}}"


def public_marker(purpose: str) -> str:
    """The marker of something public that takes a secret to make: a certificate."""
    return f"@{{public:{purpose}}}"


def render(template: str, **values: object) -> str:
    """The text of `<template>.j2` with `values`; every text ends with one newline.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
        quote.QuoteError: a value has no safe form.
    """
    return _environment().get_template(f"{template}.j2").render(**values).rstrip("\n") + "\n"


@cache
def _environment() -> jinja2.Environment:
    # Autoescape for pages only: the other targets are not HTML, `codeb.render.quote` has a filter for each of them.
    environment = jinja2.Environment(
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default=False),
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "plain": quote.plain,
        "caddy": quote.caddy,
        "caddy_upstream": quote.caddy_upstream,
        "caddy_host": quote.caddy_host,
        "caddy_path": quote.caddy_path,
        "caddy_target": quote.caddy_target,
        "caddy_line": quote.caddy_line,
        "unit": quote.unit,
        "words": quote.words,
        "collector": quote.collector,
    }
    environment.globals["secret_marker"] = secret_marker
    environment.globals["caddy_login"] = quote.caddy_login
    return environment
