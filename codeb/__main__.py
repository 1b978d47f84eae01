"""`python -m codeb`: see `codeb.cli`."""

import sys

from codeb.cli import main

sys.exit(main())
