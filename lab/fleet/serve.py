"""``python -m lab.fleet.serve FOLDER PORT``: the simulated Vultr with machines behind it, until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from lab.host import Lab
from lab.vultr.machines import LabMachines
from lab.vultr.machines.ground import Ground
from lab.vultr.simulator import READY, Simulator


def main(folder: Path, port: int) -> None:
    """Listen once the machines are as the account says."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Simulator(folder, LabMachines(Ground(Lab.here())), port) as vultr:
        print(f"{READY}{vultr.url}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
