"""From validated manifests to one frozen plan: ports, Redis indexes, servers, names and what is retained."""

from codeb.plan.allocation import PAIRS_PER_POOL, Allocation, Request, allocate, request_of
from codeb.plan.build import make_plan
from codeb.plan.held import Holding
from codeb.plan.previous import Previous, read_previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.types import (
    CachePlan,
    DatabasePlan,
    DataServicesPlan,
    Plan,
    ProjectPlan,
    RedisPlan,
    RetainedPlan,
    ServerPlan,
)
from codeb.plan.values import BucketPlan, Instance, Ports, Slot

__all__ = [
    "PAIRS_PER_POOL",
    "Allocation",
    "BucketPlan",
    "CachePlan",
    "DataServicesPlan",
    "DatabasePlan",
    "Holding",
    "Instance",
    "Plan",
    "PlanError",
    "Ports",
    "Previous",
    "Problem",
    "ProjectPlan",
    "RedisPlan",
    "Request",
    "RetainedPlan",
    "ServerPlan",
    "Slot",
    "allocate",
    "make_plan",
    "read_previous",
    "request_of",
]
