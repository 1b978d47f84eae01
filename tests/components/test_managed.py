"""The managed PostgreSQL on a recording monitor: the service, its provider, and databases on both sides of a project."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import ediri_vultr as vultr
import pulumi
import pytest
from pulumi.runtime import rpc

from codeb import managed_names, plan
from components.databases import DatabasesArgs, declare_databases
from components.fleet.database import Database, DatabaseArgs, password_file
from components.managed import ManagedArgs, ManagedPostgres
from tests.components.recording import Recording, Registration, recorded
from tests.components.test_fleet import FLEET, OWNER, SINGLE, Vultr, deploy, of

SERVICE = plan.DatabaseService("vultr-dbaas-business-cc-2-80-4", "16")
OWN = plan.DatabasePlan("shop_db", "shop", "10.64.0.4", 5432, 20, ("citext",), 2, (2, 1))
THERE = replace(OWN, host=managed_names.HOST, port=0, managed=True)
PASSWORDS = {1: "owner-password", 2: "second-password"}


def declared(
    used: plan.DatabasePlan | None, beside: plan.DatabasePlan | None, *, keep: bool = True
) -> Recording:
    def program() -> None:
        service = Database(
            "fleet-postgres", DatabaseArgs(OWNER, "icn", SERVICE, "vpc-1", "10.64.0.0/20", True)
        )
        managed = ManagedPostgres("managed", ManagedArgs(23456, service))
        bundle, project = (
            pulumi.ComponentResource("test:Bundle", "bundle"),
            pulumi.ComponentResource("test:P", "shop"),
        )
        args = DatabasesArgs("shop", used, beside, PASSWORDS, keep, bundle, managed)
        declare_databases("shop", args, project)

    return recorded(Vultr(None), program)


@pytest.fixture(scope="module")
def both() -> Recording:
    return declared(OWN, THERE)


def postgres(recording: Recording) -> list[Registration]:
    return [each for each in recording.registrations if each.type.startswith("postgresql:")]


def test_the_service_is_in_the_stack_s_network_and_lets_nobody_else_in() -> None:
    (service,) = of(deploy(replace(SINGLE, postgres=SERVICE)), "Database")[-1:]
    assert service.type == "vultr:index/database:Database"
    assert service.inputs["trustedIps"] == ["10.64.0.0/20"]
    assert service.inputs["vpcId"] == "fleet-network-vpc-id"
    assert service.inputs["label"] == f"{OWNER}-postgres"
    assert (service.inputs["plan"], service.inputs["databaseEngineVersion"]) == (SERVICE.plan, "16")
    assert service.protect
    assert service.additional_secret_outputs == ("password",)


def test_without_it_nothing_is_there() -> None:
    assert not of(deploy(FLEET), "Database")


def test_both_sides_have_the_same_roles_and_databases(both: Recording) -> None:
    """Names of resources of the side here are those of stacks of before."""
    here = {each.name for each in postgres(both) if "managed" not in each.name}
    assert here == {"shop-role", "shop-database", "shop-public", "shop-extension-citext", "shop-login-2"}
    there = {each.name.replace("-managed", "") for each in postgres(both) if "managed" in each.name}
    assert there == here | {"shop-admin", "shop-login-2-admin"}
    for name in ("role", "database"):
        own, other = both.named(f"shop-{name}").inputs, both.named(f"shop-managed-{name}").inputs
        assert own["name"] == other["name"]


def test_the_administrator_there_acts_as_whoever_owns(both: Recording) -> None:
    """He is no superuser: he can't make a database for a role that he is no member of, nor end its sessions."""
    for name, role in (("shop-managed-admin", "shop"), ("shop-managed-login-2-admin", "shop.2")):
        grant = both.named(name)
        assert (grant.inputs["role"], grant.inputs["grantRole"]) == ("vultradmin", role)
        assert grant.ignore_changes == ("withAdminOption",)
    member = both.named("shop-managed-admin").urn
    for name in ("database", "public", "extension-citext"):
        assert member in both.named(f"shop-managed-{name}").dependencies


def test_each_side_goes_with_what_it_is_on_and_data_outlives_its_manifest(both: Recording) -> None:
    service = next(each for each in both.registrations if each.type == "vultr:index/database:Database")
    for each in postgres(both):
        there = "managed" in each.name
        assert each.deleted_with.endswith("::fleet-postgres-service" if there else "::bundle"), each.name
        assert ("managed-postgres" in each.provider) == there, each.name
        assert each.retain_on_delete == ("login" not in each.name), each.name
    assert service.urn.endswith("::fleet-postgres-service")
    assert not any(each.retain_on_delete for each in postgres(declared(OWN, None, keep=False)))


def test_the_service_s_password_is_a_secret_everywhere(both: Recording) -> None:
    provider = next(each for each in both.registrations if each.type == "pulumi:providers:postgresql")
    assert rpc.is_rpc_secret(provider.inputs["password"])
    assert provider.inputs["superuser"] == "false"
    assert (provider.inputs["host"], provider.inputs["port"]) == ("127.0.0.1", "23456")


def test_a_project_s_databases_are_none_where_it_has_none() -> None:
    assert not postgres(declared(None, None))


def test_a_database_at_a_service_that_is_not_there_is_a_defect() -> None:
    args = DatabasesArgs("shop", THERE, None, PASSWORDS, True, cast(Any, SimpleNamespace()))
    with pytest.raises(ValueError, match="the stack has none"):
        declare_databases("shop", args, cast(Any, SimpleNamespace()))


def test_a_password_is_one_field_of_a_password_file() -> None:
    assert password_file(r"a:b\c") == r"a\:b\\c"


def test_the_plugin_has_what_we_ask_for() -> None:
    assert {"host", "port", "user", "password", "dbname"} <= set(dir(vultr.Database))
