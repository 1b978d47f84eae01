"""`python -m lab.fleet`: see `lab.fleet.cli`."""

import sys

from lab.fleet.cli import main

if __name__ == "__main__":
    sys.exit(main())
