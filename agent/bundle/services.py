"""Bringing up the services of a bundle, one after the other, each waited for."""

from __future__ import annotations

from agent.bundle.document import Service
from agent.documents.errors import Failed
from agent.edge import drain
from agent.host import commands, paths, units
from agent.host.ports import Ports

_START_S = 600
_PAUSE_S = 0.5
_REMEDY = "see the log lines and `journalctl -u {name}` on the host, then run again"


def ensure(ports: Ports, service: Service, *, restart: bool) -> str | None:
    """Make a service run, by a restart when asked for, and wait until it is up. What was done, None for nothing.

    Raises Failed with the service's last log lines.
    """
    since = ports.clock.now().timestamp()
    state = units.state(ports, service.name)
    if state.file_state == "disabled":
        units.must(ports, commands.enable(service.name), "services", _REMEDY.format(name=service.name))
    done = None
    if restart or not state.running:
        ports.runner.run(commands.reset_failed(service.name))
        verb = commands.restart if restart and state.running else commands.start
        _must(ports, service.name, verb(service.name), since)
        done = service.name
    _wait(ports, service, since)
    return done


def restart(ports: Ports, unit: str) -> None:
    """Restart a unit that isn't among the services. Raises Failed."""
    _must(ports, unit, commands.restart(unit), ports.clock.now().timestamp())


def reload(ports: Ports, unit: str) -> bool:
    """Reload a unit if it runs; True when it did. Raises Failed."""
    if not units.state(ports, unit).running:
        return False
    if unit == paths.CADDY_SERVICE:
        drain.reload(ports)
        return True
    _must(ports, unit, commands.reload(unit), ports.clock.now().timestamp())
    return True


def _must(ports: Ports, unit: str, argv: list[str], since: float) -> None:
    result = ports.runner.run(argv, timeout_s=_START_S)
    if result.ok:
        return
    said = result.text.splitlines()
    raise Failed(
        "services",
        f"`{' '.join(argv)}` failed: {said[0] if said else f'status {result.code}'}",
        _REMEDY.format(name=unit),
        log=units.log_lines(ports, unit, since),
    )


def _wait(ports: Ports, service: Service, since: float) -> None:
    end = ports.clock.monotonic() + service.wait.timeout_s
    while True:
        missing = _missing(ports, service)
        if missing is None:
            return
        if ports.clock.monotonic() >= end:
            raise Failed(
                "services",
                f"{service.name} is not up after {service.wait.timeout_s} s: {missing}",
                _REMEDY.format(name=service.name),
                log=units.log_lines(ports, service.name, since),
            )
        ports.clock.sleep(_PAUSE_S)


def _missing(ports: Ports, service: Service) -> str | None:
    """What is still to come, None when the service is up."""
    wait = service.wait
    if wait.kind == "tcp":
        up = ports.http.accepts(wait.address, 1000)
        return None if up else f"nothing accepts connections at {wait.address}"
    if wait.kind == "container-health":
        result = ports.runner.run(commands.healthcheck(service.name.removesuffix(".service")))
        return None if result.ok else f"its health check says: {result.text[-200:] or 'unhealthy'}"
    state = units.state(ports, service.name)
    return None if state.running else f"it is {state.active} ({state.sub})"
