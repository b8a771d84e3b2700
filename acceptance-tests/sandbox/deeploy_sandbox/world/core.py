"""Keys, buckets, IAM, secrets, parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.utilities.utils import get_partition

from . import Object, reader, shown


@reader("kms")
def _kms(backend: Any, account: str) -> Iterator[Object]:
    for key in list(backend.keys.values()):
        tags = backend.tagger.get_tag_dict_for_resource(key.id)
        # Keys behind alias/aws/… are AWS's, made with the first object that wants one.
        managed = getattr(key, "key_manager", "CUSTOMER") == "AWS" or any(name.startswith("alias/aws/") for name in key.aliases)
        if not managed:
            yield shown("kms:key", key.id, key.arn, tags, key.key_state)
        for alias in list(key.aliases.values()):
            if not alias.alias_name.startswith("alias/aws/"):
                yield shown("kms:alias", alias.alias_name, alias.alias_arn, None, None, target=key.id)
        for grant in list(key.grants.values()):
            yield shown("kms:grant", grant.id, key.arn, None, None, target=key.id, grantee=grant.grantee_principal)


@reader("s3")
def _s3(backend: Any, account: str) -> Iterator[Object]:
    for bucket in list(backend.buckets.values()):
        arn = f"arn:{bucket.partition}:s3:::{bucket.name}"
        tags = backend.tagger.get_tag_dict_for_resource(bucket.arn)
        yield shown("s3:bucket", bucket.name, arn, tags, bucket.versioning_status, objects=len(bucket.keys), region=bucket.region_name)


@reader("iam")
def _iam(backend: Any, account: str) -> Iterator[Object]:
    for role in list(backend.roles.values()):
        # AWS makes service-linked roles, and nobody tags or detaches anything there.
        managed = str(role.path).startswith("/aws-service-role/")
        yield shown("iam:role", role.name, role.arn, role.tags, managed=managed)
        for each in _inline("iam:role_policy", role):
            yield {**each, "managed": managed}
    for user in list(backend.users.values()):
        yield shown("iam:user", user.name, user.arn, user.tags)
        yield from _inline("iam:user_policy", user)
        for key in list(user.access_keys):
            yield shown("iam:access_key", key.access_key_id, None, None, key.status, user=user.name)
        if user.password:
            yield shown("iam:login_profile", user.name, None)
    for group in list(backend.groups.values()):
        members = [user.name for user in group.users]
        yield shown("iam:group", group.name, group.arn, None, None, users=members)
        yield from _inline("iam:group_policy", group)
    for policy in list(backend.managed_policies.values()):
        if ":iam::aws:" not in policy.arn:
            yield shown("iam:policy", policy.name, policy.arn, policy.tags, policy.default_version_id)
    for profile in list(backend.instance_profiles.values()):
        yield shown("iam:instance_profile", profile.name, profile.arn, profile.tags, managed=getattr(profile, "managed", False))
    for provider in list(backend.open_id_providers.values()):
        yield shown("iam:oidc_provider", provider.arn, provider.arn, provider.tags)


def _inline(kind: str, owner: Any) -> Iterator[Object]:
    for name in list(owner.policies):
        yield shown(kind, f"{owner.name}/{name}", None)
    for policy in list(owner.managed_policies.values()):
        yield shown(kind.replace("_policy", "_policy_attachment"), f"{owner.name}/{policy.arn}", None)


@reader("secretsmanager")
def _secrets(backend: Any, account: str) -> Iterator[Object]:
    for secret in list(backend.secrets.values()):
        if not hasattr(secret, "deleted_date"):
            continue
        state = "PendingDeletion" if secret.deleted_date else "Active"
        yield shown("secretsmanager:secret", secret.name, secret.arn, secret.tags, state, versions=len(secret.versions), managed=secret.owning_service is not None)


@reader("ssm")
def _ssm(backend: Any, account: str) -> Iterator[Object]:
    for name in list(backend._parameters):
        versions = backend._parameters[name]
        if not versions or str(name).startswith("/aws/"):
            continue
        # moto's key is not always the name.
        latest = versions[-1]
        name = str(latest.name)
        tags = backend._resource_tags.get("Parameter", {}).get(name, {})
        partition = get_partition(backend.region_name)
        arn = f"arn:{partition}:ssm:{backend.region_name}:{account}:parameter/{name.lstrip('/')}"
        yield shown("ssm:parameter", name, arn, tags, None, version=latest.version)


@reader("ecr")
def _ecr(backend: Any, account: str) -> Iterator[Object]:
    for repository in list(backend.repositories.values()):
        yield shown("ecr:repository", repository.name, repository.arn, backend.tagger.get_tag_dict_for_resource(repository.arn))
