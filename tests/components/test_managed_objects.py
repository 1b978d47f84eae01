"""Subscriptions of Object Storage on a recording monitor: what Vultr is asked for, and the buckets in them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import ediri_vultr as vultr
import pulumi
import pytest
from pulumi.runtime import mocks, rpc

from codeb import managed_names, plan
from components.fleet import Fleet
from components.fleet.objects import Objects, ObjectsArgs
from components.objects import ProjectObjects, project_objects
from tests.components.recording import Recording, Registration, recorded
from tests.components.test_fleet import FLEET, OWNER, SINGLE, Vultr, deploy, of

SERVICE = plan.ObjectService("shop", 2, "standard")
THERE = plan.ObjectsPlan(True, managed_names.objects_host("shop"), 2, "standard", "0a1b2c")
BUCKETS = (
    plan.BucketPlan("shop-uploads", "uploads", versions_days=30, expire_days=90),
    plan.BucketPlan("shop-assets", "assets", access="public-read", quota=1 << 30),
)


class Answers(Vultr):
    """What the plugin answers of a subscription."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        if args.typ == "vultr:index/objectStorage:ObjectStorage":
            keys = {"s3AccessKey": "AKEXAMPLE", "s3SecretKey": "SKEXAMPLE"}
            outputs |= {"s3Hostname": "ewr1.vultrobjects.example", **keys}
        return identity, outputs


def declared(*, keep: bool = True, used: bool = True) -> tuple[Recording, list[ProjectObjects]]:
    made: list[ProjectObjects] = []

    def program() -> None:
        objects = Objects("fleet-objects-shop", ObjectsArgs(OWNER, SERVICE, True))
        found = project_objects(
            "shop",
            replace(THERE, used=used),
            {"shop": objects}.__getitem__,
            BUCKETS,
            pulumi.ResourceOptions(),
            keep_data=keep,
        )
        assert found is not None
        made.append(found)

    return recorded(Answers(None), program), made


@pytest.fixture(scope="module")
def objects() -> Recording:
    return declared()[0]


def in_minio(recording: Recording) -> list[Registration]:
    return [each for each in recording.registrations if each.type.startswith("minio:")]


def test_vultr_is_asked_for_one_subscription_a_project_and_keeps_it() -> None:
    fleet = replace(SINGLE, objects=(SERVICE, plan.ObjectService("blog", 2, "standard")))
    found = of(deploy(fleet), "ObjectStorage")
    assert {each.inputs["label"] for each in found} == {f"{OWNER}-objects-shop", f"{OWNER}-objects-blog"}
    for each in found:
        assert (each.inputs["clusterId"], each.inputs["tierId"]) == (2, 2)
        assert each.protect
        assert {"s3AccessKey", "s3SecretKey"} <= set(each.additional_secret_outputs)
    loose = of(deploy(replace(fleet, protect=False)), "ObjectStorage")
    assert not any(each.protect for each in loose)


def test_without_it_nothing_is_there() -> None:
    assert not of(deploy(FLEET), "ObjectStorage")


def test_what_is_known_of_it_stands_for_its_markers_and_keys_are_secrets() -> None:
    found: list[dict[str, pulumi.Output[str]]] = []

    def check(fleet: Fleet) -> None:
        found.append(fleet.objects["shop"].known)
        assert set(fleet.objects["shop"].known) == managed_names.objects_markers("shop")
        assert set(fleet.objects["shop"].known) <= set(fleet.known)

    deploy(replace(SINGLE, objects=(SERVICE,)), check)
    keys = (managed_names.objects_access_key("shop"), managed_names.objects_secret_key("shop"))
    assert all(asyncio.run(_secret(found[0][key])) for key in keys)


async def _secret(output: pulumi.Output[str]) -> bool:
    return await output.is_secret()


def test_buckets_are_made_there_with_the_stack_s_mark_and_without_a_limit(objects: Recording) -> None:
    buckets = [each for each in in_minio(objects) if each.type == "minio:index/s3Bucket:S3Bucket"]
    assert {each.inputs["bucket"] for each in buckets} == {"0a1b2c-shop-uploads", "0a1b2c-shop-assets"}
    assert not any("quota" in each.inputs for each in buckets)
    (public,) = [each for each in in_minio(objects) if each.type.endswith("S3BucketPolicy")]
    assert "arn:aws:s3:::0a1b2c-shop-assets/*" in public.inputs["policy"]
    kinds = {each.type.rpartition(":")[2] for each in in_minio(objects)}
    assert {"S3BucketVersioning", "IlmPolicy"} <= kinds
    assert not any(kind.startswith("Iam") for kind in kinds), "there are no users there"


def test_they_are_reached_with_tls_and_the_subscription_s_keys(objects: Recording) -> None:
    (provider,) = [each for each in objects.registrations if each.type == "pulumi:providers:minio"]
    assert (provider.inputs["minioServer"], provider.inputs["minioSsl"]) == (
        "ewr1.vultrobjects.example",
        "true",
    )
    assert rpc.is_rpc_secret(provider.inputs["minioUser"])
    assert rpc.is_rpc_secret(provider.inputs["minioPassword"])
    assert all("shop-objects-minio" in each.provider for each in in_minio(objects))


def test_they_go_with_the_subscription_and_outlive_their_manifest(objects: Recording) -> None:
    for each in in_minio(objects):
        assert each.deleted_with.endswith("::fleet-objects-shop-service"), each.name
        assert each.retain_on_delete, each.name
    let_go = declared(keep=False)[0]
    assert not any(each.retain_on_delete for each in in_minio(let_go))


def test_who_has_none_has_nothing_there() -> None:
    nothing = {"opts": pulumi.ResourceOptions(), "keep_data": True}
    subscription = cast(Any, {}).__getitem__
    assert project_objects("shop", None, subscription, BUCKETS, **cast(Any, nothing)) is None
    assert project_objects("shop", THERE, subscription, (), **cast(Any, nothing)) is None


def test_the_plugin_has_what_we_ask_for() -> None:
    assert {"s3_hostname", "s3_access_key", "s3_secret_key"} <= set(dir(vultr.ObjectStorage))
