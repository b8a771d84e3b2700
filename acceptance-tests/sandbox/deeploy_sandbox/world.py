"""Every object that exists in an account, read from moto's stores without any call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import moto.backends
from moto.utilities.utils import get_partition

Object = dict[str, Any]


def objects(account: str) -> list[Object]:
    found: list[Object] = []
    for service, read in READERS.items():
        backends = moto.backends.get_backend(service) if service in _loaded() else {}
        # `dict.get`: looking must not make an account.
        for region, backend in list((dict.get(backends, account) or {}).items()):
            found += [{"region": region, **each} for each in read(backend, account)]
    return found


def _loaded() -> set[str]:
    from moto.core.base_backend import BackendDict

    return {backends.service_name for backends in list(BackendDict._instances)}


def _object(kind: str, id: str, arn: str | None, tags: Any = None, state: str | None = None, **more: Any) -> Object:
    return {"type": kind, "id": id, "arn": arn, "tags": _tags(tags), "state": state, **more}


def _tags(tags: Any) -> dict[str, str]:
    if isinstance(tags, dict):
        return {
            str(value.get("Key", key)) if isinstance(value, dict) else str(key): (
                str(value.get("Value", "")) if isinstance(value, dict) else str(value)
            )
            for key, value in tags.items()
        }
    return {
        str(tag.get("Key", tag.get("TagKey", tag.get("key")))): str(tag.get("Value", tag.get("TagValue", tag.get("value"))))
        for tag in tags or []
    }


def _kms(backend: Any, account: str) -> Iterator[Object]:
    for key in list(backend.keys.values()):
        tags = backend.tagger.get_tag_dict_for_resource(key.id)
        managed = getattr(key, "key_manager", "CUSTOMER") == "AWS"
        if not managed:
            yield _object("kms:key", key.id, key.arn, tags, key.key_state)
        for alias in list(key.aliases.values()):
            if not alias.alias_name.startswith("alias/aws/"):
                yield _object("kms:alias", alias.alias_name, alias.alias_arn, None, None, target=key.id)
        for grant in list(key.grants.values()):
            yield _object("kms:grant", grant.id, key.arn, None, None, target=key.id, grantee=grant.grantee_principal)


def _s3(backend: Any, account: str) -> Iterator[Object]:
    for bucket in list(backend.buckets.values()):
        arn = f"arn:{bucket.partition}:s3:::{bucket.name}"
        tags = backend.tagger.get_tag_dict_for_resource(bucket.arn)
        yield _object("s3:bucket", bucket.name, arn, tags, bucket.versioning_status, objects=len(bucket.keys), region=bucket.region_name)


def _iam(backend: Any, account: str) -> Iterator[Object]:
    for role in list(backend.roles.values()):
        yield _object("iam:role", role.name, role.arn, role.tags)
        yield from _inline("iam:role_policy", role)
    for user in list(backend.users.values()):
        yield _object("iam:user", user.name, user.arn, user.tags)
        yield from _inline("iam:user_policy", user)
        for key in list(user.access_keys):
            yield _object("iam:access_key", key.access_key_id, None, None, key.status, user=user.name)
        if user.password:
            yield _object("iam:login_profile", user.name, None)
    for group in list(backend.groups.values()):
        members = [user.name for user in group.users]
        yield _object("iam:group", group.name, group.arn, None, None, users=members)
        yield from _inline("iam:group_policy", group)
    for policy in list(backend.managed_policies.values()):
        if ":iam::aws:" not in policy.arn:
            yield _object("iam:policy", policy.name, policy.arn, policy.tags, policy.default_version_id)
    for profile in list(backend.instance_profiles.values()):
        yield _object("iam:instance_profile", profile.name, profile.arn, profile.tags)
    for provider in list(backend.open_id_providers.values()):
        yield _object("iam:oidc_provider", provider.arn, provider.arn, provider.tags)


def _inline(kind: str, owner: Any) -> Iterator[Object]:
    for name in list(owner.policies):
        yield _object(kind, f"{owner.name}/{name}", None)
    for policy in list(owner.managed_policies.values()):
        yield _object(kind.replace("_policy", "_policy_attachment"), f"{owner.name}/{policy.arn}", None)


def _secrets(backend: Any, account: str) -> Iterator[Object]:
    for secret in list(backend.secrets.values()):
        if not hasattr(secret, "deleted_date"):
            continue
        state = "PendingDeletion" if secret.deleted_date else "Active"
        yield _object("secretsmanager:secret", secret.name, secret.arn, secret.tags, state, versions=len(secret.versions))


def _ssm(backend: Any, account: str) -> Iterator[Object]:
    for name in list(backend._parameters):
        versions = backend._parameters[name]
        if not versions or str(name).startswith("/aws/"):
            continue
        latest = versions[-1]
        tags = backend._resource_tags.get("Parameter", {}).get(name, {})
        partition = get_partition(backend.region_name)
        arn = f"arn:{partition}:ssm:{backend.region_name}:{account}:parameter/{name.lstrip('/')}"
        yield _object("ssm:parameter", name, arn, tags, None, version=latest.version)


def _ec2(backend: Any, account: str) -> Iterator[Object]:
    # A new account has a default VPC with all that belongs to it; nobody made these.
    default = {vpc.id for vpc in backend.vpcs.values() if vpc.is_default}
    for vpc in backend.vpcs.values():
        if vpc.id not in default:
            yield _object("ec2:vpc", vpc.id, None, vpc.get_tags(), vpc.state)
    subnets = [subnet for by_zone in backend.subnets.values() for subnet in by_zone.values()]
    for kind, items in (("subnet", subnets), ("route_table", backend.route_tables.values())):
        for item in items:
            if item.vpc_id not in default:
                yield _object(f"ec2:{kind}", item.id, None, item.get_tags())
    for groups in backend.groups.values():
        for group in groups.values():
            if group.vpc_id not in default and group.name != "default":
                yield _object("ec2:security_group", group.id, None, group.get_tags())
    for kind, items in (
        ("internet_gateway", backend.internet_gateways),
        ("nat_gateway", backend.nat_gateways),
        ("vpc_endpoint", backend.vpc_end_points),
    ):
        for item in items.values():
            yield _object(f"ec2:{kind}", item.id, None, item.get_tags(), getattr(item, "state", None))
    for address in backend.addresses:
        yield _object("ec2:elastic_ip", str(address.allocation_id), None, address.get_tags())


def _eks(backend: Any, account: str) -> Iterator[Object]:
    for cluster in list(backend.clusters.values()):
        yield _object("eks:cluster", cluster.name, cluster.arn, cluster.tags, cluster.status)
        for group in list(cluster.nodegroups.values()):
            yield _object("eks:nodegroup", f"{cluster.name}/{group.nodegroup_name}", group.arn, group.tags, group.status)


def _rds(backend: Any, account: str) -> Iterator[Object]:
    for database in list(backend.databases.values()):
        yield _object("rds:db", database.db_instance_identifier, database.db_instance_arn, database.tags, database.status)
    for group in list(backend.subnet_groups.values()):
        yield _object("rds:subnet_group", group.name, group.arn, group.tags)
    for group in list(backend.db_parameter_groups.values()):
        if not group.name.startswith("default."):
            yield _object("rds:parameter_group", group.name, group.arn, group.tags)


READERS = {
    "kms": _kms,
    "s3": _s3,
    "iam": _iam,
    "secretsmanager": _secrets,
    "ssm": _ssm,
    "ec2": _ec2,
    "eks": _eks,
    "rds": _rds,
}
