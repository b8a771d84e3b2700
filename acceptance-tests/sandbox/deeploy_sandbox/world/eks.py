"""Clusters and what belongs to them, and Auto Scaling groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Object, reader, shown


@reader("eks")
def _eks(backend: Any, account: str) -> Iterator[Object]:
    for cluster in list(backend.clusters.values()):
        name = cluster.name
        yield shown("eks:cluster", name, cluster.arn, cluster.tags, cluster.status, version=cluster.version)
        for each in list(cluster.nodegroups.values()):
            body = each.body
            more = {"asg": each.inner["asg"], "cause": each.inner.get("cause")}
            yield shown("eks:nodegroup", f"{name}/{body['nodegroupName']}", body["nodegroupArn"], body["tags"], each.status, **more)
        for each in list(cluster.addons.values()):
            body = each.body
            yield shown("eks:addon", f"{name}/{body['addonName']}", body["addonArn"], body["tags"], each.status, version=body["addonVersion"])
        for each in list(cluster.entries.values()):
            body, inner = each.body, each.inner
            yield shown("eks:access_entry", f"{name}/{body['principalArn']}", body["accessEntryArn"], body["tags"], policies=sorted(inner["policies"]), managed=inner["managed"])
        for each in list(cluster.associations.values()):
            body = each.body
            id = f"{name}/{body['namespace']}/{body['serviceAccount']}"
            yield shown("eks:pod_identity_association", id, body["associationArn"], body["tags"], role=body["roleArn"], managed="ownerArn" in body)


@reader("autoscaling")
def _autoscaling(backend: Any, account: str) -> Iterator[Object]:
    for group in list(backend.autoscaling_groups.values()):
        managed = any(tag["Key"] == "eks:cluster-name" for tag in group.tags)
        more = {"desired": group.desired_capacity, "instances": len(group.instance_states), "managed": managed}
        yield shown("autoscaling:group", group.name, group.arn, group.tags, **more)
