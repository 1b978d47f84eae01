"""A Pulumi program's process: `python -m lab.plugins.program EXEC FOLDER [what EXEC takes]`.

EXEC is the SDK's `pulumi-language-python-exec`, run as if it had been started itself; modules are found beside the program.
"""

from __future__ import annotations

import gc
import runpy
import sys

_YOUNG = 100_000
"""New objects between two collections: a program's resources live until its end, so there is little to find."""


def main() -> None:
    """Become EXEC."""
    gc.set_threshold(_YOUNG, 50, 100)
    _, executable, folder, *arguments = sys.argv
    sys.argv = [executable, *arguments]
    sys.path[0] = folder
    runpy.run_path(executable, run_name="__main__")


if __name__ == "__main__":
    main()
