"""The policy that hangs on a resource: of a bucket, a key, a secret, a topic, and a role's trust policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import moto.backends

if TYPE_CHECKING:
    from .identity_policies import Principal


@dataclass
class Found:
    # bucket | key | secret | topic | trust | none
    kind: str
    name: str
    text: str | None
    # Whose the resource is; None where it belongs to whoever asks.
    account: str | None
    owner: Any = None

    def grants_allow(self, principal: Principal, action: str) -> bool:
        """KMS grants, without constraints: those depend on an encryption context that we don't see."""
        if self.kind != "key" or self.owner is None:
            return False
        return any(
            grant.grantee_principal in principal.names and action.partition(":")[2] in (grant.operations or ())
            for grant in self.owner.grants.values()
        )


def find(arn: str) -> Found | None:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return None
    _, partition, service, region, account, name = parts
    if service == "s3":
        return _bucket(partition, name.partition("/")[0])
    if service == "kms" and name.startswith("key/"):
        key = _keyed("kms", account, region, "keys", name.removeprefix("key/"))
        return Found("key", arn, key.policy, account, key) if key else None
    if service == "iam" and name.startswith("role/"):
        from .principals import entity

        role = entity(arn)
        return Found("trust", arn, role.assume_role_policy_document, account, role) if role else None
    if service == "secretsmanager":
        backend = _region("secretsmanager", account, region)
        secrets = backend.secrets.values() if backend is not None else ()
        secret = next((each for each in secrets if each.arn == arn), None)
        return Found("secret", arn, secret.policy, account, secret) if secret else None
    if service == "sns":
        topic = _keyed("sns", account, region, "topics", arn)
        return Found("topic", arn, topic.policy, account, topic) if topic else None
    return None


def _bucket(partition: str, name: str) -> Found | None:
    owner = moto.backends.get_backend("s3").bucket_accounts.get(name)
    if owner is None:
        return None
    backend = _region("s3", owner[1], partition)
    bucket = backend.buckets.get(name) if backend is not None else None
    if bucket is None:
        return None
    text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
    return Found("bucket", f"arn:{partition}:s3:::{name}", text, owner[1], bucket)


def _region(service: str, account: str, region: str) -> Any:
    regions = dict.get(moto.backends.get_backend(service), account)
    return dict.get(regions, region) if regions is not None else None


def _keyed(service: str, account: str, region: str, store: str, key: str) -> Any:
    backend = _region(service, account, region)
    return dict.get(getattr(backend, store), key) if backend is not None else None
