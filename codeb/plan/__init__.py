"""From validated manifests to one frozen plan: ports, Redis indexes, servers, names and what is retained."""

from codeb.plan.allocation import PAIRS_PER_POOL, Allocation, Request, allocate, request_of
from codeb.plan.build import make_plan
from codeb.plan.costs import Cost, Costs, cost_line
from codeb.plan.fleet import (
    BALANCER,
    REFUSED,
    REPLACES,
    WAITS,
    Balancer,
    CacheServices,
    DatabaseService,
    FirewallRule,
    Fleet,
    ForwardingRule,
    HealthCheck,
    Machine,
    ObjectService,
    Record,
    SharedStorage,
)
from codeb.plan.held import Holding
from codeb.plan.kept import Kept, Pin, Preview, Scale, Tried, read_kept
from codeb.plan.previous import Previous, read_previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.scaled import counts, scaled
from codeb.plan.types import (
    CachePlan,
    DatabasePlan,
    DataServicesPlan,
    ObjectsPlan,
    Plan,
    ProjectPlan,
    RedisPlan,
    RetainedPlan,
    ServerPlan,
)
from codeb.plan.values import BucketPlan, Instance, Ports, Slot
from codeb.plan.wanted import Wanted, merged
from codeb.plan.workers import WorkerPlan

__all__ = [
    "BALANCER",
    "PAIRS_PER_POOL",
    "REFUSED",
    "REPLACES",
    "WAITS",
    "Allocation",
    "Balancer",
    "BucketPlan",
    "CachePlan",
    "CacheServices",
    "Cost",
    "Costs",
    "DataServicesPlan",
    "DatabasePlan",
    "DatabaseService",
    "FirewallRule",
    "Fleet",
    "ForwardingRule",
    "HealthCheck",
    "Holding",
    "Instance",
    "Kept",
    "Machine",
    "ObjectService",
    "ObjectsPlan",
    "Pin",
    "Plan",
    "PlanError",
    "Ports",
    "Preview",
    "Previous",
    "Problem",
    "ProjectPlan",
    "Record",
    "RedisPlan",
    "Request",
    "RetainedPlan",
    "Scale",
    "ServerPlan",
    "SharedStorage",
    "Slot",
    "Tried",
    "Wanted",
    "WorkerPlan",
    "allocate",
    "cost_line",
    "counts",
    "make_plan",
    "merged",
    "read_kept",
    "read_previous",
    "request_of",
    "scaled",
]
