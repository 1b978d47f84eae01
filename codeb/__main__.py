"""`python -m codeb`: the commands that need no host (`codeb.cli`) and those that talk to one (`ops.cli`)."""

import sys

from codeb.cli import COMMANDS, main
from ops.cli import COMMANDS as HOST_COMMANDS

sys.exit(main(commands=(*COMMANDS, *HOST_COMMANDS)))
