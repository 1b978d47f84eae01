"""`python -m lab.delivery`: see `lab.delivery.cli`."""

import sys

from lab.delivery.cli import main

if __name__ == "__main__":
    sys.exit(main())
