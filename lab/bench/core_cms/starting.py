"""Runs on the lab host, by its own Python (`python3 - CONTAINER PATH`): starts a container anew and times it. Prints JSON.

The container's program is in the page cache and its image unpacked, as on any host that has run it: cold is the process.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

POLL_SECONDS = 0.01
ANSWER_SECONDS = 2
PATIENCE_SECONDS = 60


def start(container: str, path: str) -> dict[str, float]:
    """Seconds from the container's start, and from systemd's, to the first answer of status 200.

    The service is called like the container. Raises CalledProcessError, TimeoutError.
    """
    service = f"{container}.service"
    address, port = published(inspected(container))
    systemctl("stop", service)
    asked_at = time.time()
    # It comes back when the container runs, long before the program in it listens.
    systemctl("start", service)
    until_well(address, port, path)
    well_at = time.time()
    began = datetime.fromisoformat(inspected(container)["State"]["StartedAt"]).timestamp()
    return {"seconds": well_at - began, "with_systemd": well_at - asked_at}


def inspected(container: str) -> dict[str, Any]:
    """What Podman knows of it. Raises CalledProcessError."""
    done = subprocess.run(["podman", "container", "inspect", container], check=True, capture_output=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found[0]


def published(container: dict[str, Any]) -> tuple[str, int]:
    """Address and port at which the host reaches the only port of a container."""
    ((place, *_),) = filter(None, container["NetworkSettings"]["Ports"].values())
    return place["HostIp"] or "127.0.0.1", int(place["HostPort"])


def until_well(address: str, port: int, path: str) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not well(address, port, path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} at port {port} was not well after {PATIENCE_SECONDS} s")
        time.sleep(POLL_SECONDS)


def well(address: str, port: int, path: str) -> bool:
    """Whether it answers with status 200 now."""
    connection = http.client.HTTPConnection(address, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def systemctl(verb: str, service: str) -> None:
    """Raises CalledProcessError."""
    subprocess.run(["systemctl", verb, service], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    print(json.dumps(start(*sys.argv[1:3])))
