"""What Vultr offers, as far as a test needs it: regions, plans, operating systems, and the account itself.

Figures as published by Vultr's price list for Cloud Compute; `codeb/data/vultr.yaml` has its own, so that a plan that the
program believes in and Vultr does not is found here.
"""

from __future__ import annotations

from lab.vultr.api.call import Answer, ApiError, Call, Route
from lab.vultr.api.lists import filtered, listing
from lab.vultr.files import Json

NO_CAPACITY = "plan is not available in the selected region"
REGIONS = {
    "icn": ("Seoul", "KR", "Asia"),
    "nrt": ("Tokyo", "JP", "Asia"),
    "sgp": ("Singapore", "SG", "Asia"),
    "fra": ("Frankfurt", "DE", "Europe"),
    "ams": ("Amsterdam", "NL", "Europe"),
    "ewr": ("New Jersey", "US", "North America"),
    "lax": ("Los Angeles", "US", "North America"),
}
_OPTIONS = [
    "ddos_protection",
    "block_storage_high_perf",
    "block_storage_storage_opt",
    "load_balancers",
    "kubernetes",
]

# plan: CPUs, MB of memory, GB of disk, GB of traffic, dollars a month
PLANS = {
    "vc2-1c-1gb": (1, 1024, 25, 1024, 5),
    "vc2-1c-2gb": (1, 2048, 55, 2048, 10),
    "vc2-2c-2gb": (2, 2048, 65, 3072, 15),
    "vc2-2c-4gb": (2, 4096, 80, 3072, 20),
    "vc2-4c-8gb": (4, 8192, 160, 4096, 40),
    "vc2-6c-16gb": (6, 16384, 320, 5120, 80),
    "vc2-8c-32gb": (8, 32768, 640, 6144, 160),
    "vc2-16c-64gb": (16, 65536, 1280, 10240, 320),
    "vc2-24c-96gb": (24, 98304, 1600, 15360, 640),
    "vhf-1c-1gb": (1, 1024, 32, 1024, 6),
    "vhf-2c-4gb": (2, 4096, 128, 3072, 24),
    "vhf-4c-16gb": (4, 16384, 384, 5120, 96),
    "vhf-8c-32gb": (8, 32768, 512, 6144, 192),
}

# id: name, family
SYSTEMS = {
    2625: ("Debian 13 x64 (trixie)", "debian"),
    2136: ("Debian 12 x64 (bookworm)", "debian"),
    477: ("Debian 11 x64 (bullseye)", "debian"),
    2760: ("Ubuntu 26.04 LTS x64", "ubuntu"),
    2284: ("Ubuntu 24.04 LTS x64", "ubuntu"),
    1743: ("Ubuntu 22.04 LTS x64", "ubuntu"),
    387: ("Ubuntu 20.04 LTS x64", "ubuntu"),
}


def region(call: Call) -> str:
    """The region that the body names, in small letters as Vultr keeps it; a 400 for one there is not."""
    name = str(call.given("region", str)).lower()
    if name not in REGIONS:
        raise ApiError(400, "Invalid region")
    return name


def is_full(call: Call, place: str, plan: str) -> bool:
    """Whether there is no room for another instance of a plan."""
    return place in call.settings.full or f"{place}/{plan}" in call.settings.full


def regions(call: Call) -> Answer:
    """GET /regions"""
    items = [
        {"id": id_, "city": city, "country": country, "continent": continent, "options": _OPTIONS}
        for id_, (city, country, continent) in REGIONS.items()
    ]
    return listing(call, "regions", _numbered(items), _plain)


def availability(call: Call) -> Answer:
    """GET /regions/{id}/availability: the plans there is room for."""
    place = call.ids["id"]
    if place not in REGIONS:
        raise ApiError(404, "Invalid region ID")
    found = [plan for plan in PLANS if not is_full(call, place, plan)]
    return Answer(200, lambda account: {"available_plans": found})


def plans(call: Call) -> Answer:
    """GET /plans: `locations` are the regions with room."""
    items = [
        {
            "id": plan,
            "vcpu_count": cpus,
            "ram": ram,
            "disk": disk,
            "disk_count": 1,
            "bandwidth": traffic,
            "monthly_cost": float(cost),
            "type": plan.partition("-")[0],
            "locations": [place for place in REGIONS if not is_full(call, place, plan)],
        }
        for plan, (cpus, ram, disk, traffic, cost) in PLANS.items()
    ]
    kept = filtered(call, _numbered(items), type=lambda item, value: value in ("all", item["type"]))
    return listing(call, "plans", kept, _plain)


def systems(call: Call) -> Answer:
    """GET /os"""
    items = [
        {"id": id_, "name": name, "arch": "x64", "family": family} for id_, (name, family) in SYSTEMS.items()
    ]
    return listing(call, "os", _numbered(items), _plain)


def account(call: Call) -> Answer:
    """GET /account"""
    body = {
        "balance": 0.0,
        "pending_charges": 0.0,
        "last_payment_date": "",
        "last_payment_amount": 0.0,
        "name": "Lab",
        "email": "lab@example.com",
        "acls": ["subscriptions", "subscriptions_view", "provisioning", "firewall", "dns", "loadbalancer"],
    }
    return Answer(200, lambda _: {"account": body})


def _numbered(items: list[Json]) -> list[Json]:
    return [{**item, "_number": number} for number, item in enumerate(items, 1)]


def _plain(item: Json) -> Json:
    return {key: value for key, value in item.items() if key != "_number"}


ROUTES = [
    Route("GET", "/regions", regions),
    Route("GET", "/regions/{id}/availability", availability),
    Route("GET", "/plans", plans),
    Route("GET", "/os", systems),
    Route("GET", "/account", account),
]
