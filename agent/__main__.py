"""Entry point of the zipapp."""

import sys

from agent.cli import main

sys.exit(main(sys.argv[1:]))
