"""What goes wrong with the load itself, as opposed to with what it loads."""

from __future__ import annotations


class LoadError(Exception):
    """The load could not be made; nothing is known about the app."""
