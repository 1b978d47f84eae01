"""A stand-in for GitHub on loopback: the REST calls that `codeb ci` makes, and what the lab has to know of a run."""

from lab.delivery.github.hub import Fault, Hub, Job, Step
from lab.delivery.github.server import serving

__all__ = ["Fault", "Hub", "Job", "Step", "serving"]
