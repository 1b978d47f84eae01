"""What a stack has at Vultr: `Fleet`, and a component for each kind of thing in it."""

from components.fleet.fleet import Fleet, FleetArgs
from components.fleet.machine import Machine

__all__ = ["Fleet", "FleetArgs", "Machine"]
