"""What in an app's folder is no source: made by tools, or somebody's own. One list for whoever copies or builds it."""

from __future__ import annotations

from typing import Final

_ANYWHERE: Final = frozenset({".DS_Store", ".git", ".next", "node_modules"})
_AT_ROOT: Final = frozenset({
    ".dev", "coverage", "dist", "next-env.d.ts", "playwright-report", "src/generated", "test-results",
})  # fmt: skip
"""Names that a folder of an app's own may have deeper down, such as a page `/coverage`."""


def is_made(path: str) -> bool:
    """Whether a file or folder is no source; `path` from the app's folder on, with slashes, above it all being sources."""
    name = path.rpartition("/")[2]
    secret = name.startswith(".env") and name != ".env.example"
    return path in _AT_ROOT or name in _ANYWHERE or secret or name.endswith((".log", ".tsbuildinfo"))
