"""A plugin's process: `python start.py MODULE …`.

Started as a file, so that nothing of ours is in the environment, which programs and their commands inherit.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    _, name, *arguments = sys.argv
    importlib.import_module(name).main(arguments)
