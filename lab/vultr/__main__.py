"""`python -m lab.vultr`: see `lab.vultr.cli`."""

import sys

from lab.vultr.cli import main

if __name__ == "__main__":
    sys.exit(main())
