"""The machines behind the simulated Vultr account: servers that boot, disks, file systems, private networks, balancers."""

from lab.vultr.machines.machines import LabMachines

__all__ = ["LabMachines"]
