"""Entry point, of the zipapp too."""

import sys

from agent.program import processor

if __name__ == "__main__":
    processor.give_way("".join(sys.argv[1:2]))
    from agent.cli import main

    sys.exit(main(sys.argv[1:]))
