"""The ARN of what a call is about: Service Authorization Reference, "Resource types" of each service.

`*` where an action has no resource, or where we do not know it; a policy that names particular
resources then does not match.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import world
from ..aws_call import AwsCall
from ..moto_bridge import backend

# By preference: AddRoleToInstanceProfile is about the profile.
IAM_MEMBERS = {
    "InstanceProfileName": ("instance-profile", "instance_profiles"),
    "RoleName": ("role", "roles"),
    "UserName": ("user", "users"),
    "GroupName": ("group", "groups"),
}


Arn = Callable[[AwsCall], str]
_arns: dict[str, Arn] = {}


def names_resource(service: str) -> Callable[[Arn], Arn]:
    """Registers what tells the ARN of a call to this service."""

    def register(arn: Arn) -> Arn:
        _arns[service] = arn
        return arn

    return register


# A right that a call needs: the action, the resource's ARN, and what is known of that resource (condition keys).
Need = tuple[str, str, dict[str, Any]]
Needs = Callable[[AwsCall, list[str]], list[Need]]
_needs: dict[str, Needs] = {}


def names_needs(service: str) -> Callable[[Needs], Needs]:
    """Registers what tells the rights for a call that is about several resources."""

    def register(needs: Needs) -> Needs:
        _needs[service] = needs
        return needs

    return register


def needs_of(call: AwsCall, actions: list[str]) -> list[Need]:
    found = _needs.get(call.service)
    if found:
        return found(call, actions)
    resource = resource_arn(call)
    known = _tags_of(call, resource)
    return [(action, resource, known) for action in actions]


def _tags_of(call: AwsCall, resource: str) -> dict[str, Any]:
    """aws:ResourceTag of what is there, and IAM's and Secrets Manager's own name for it. Buckets' tags count only where
    a bucket opts in."""
    if resource == "*" or call.service == "s3":
        return {}
    tags = world.tags_by_arn(call.account, call.service, resource.partition(":log-stream:")[0])
    found = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    if call.service in ("iam", "secretsmanager"):
        found |= {f"{call.service}:ResourceTag/{key}": value for key, value in tags.items()}
    return found


def resource_arn(call: AwsCall) -> str:
    found = _arns.get(call.service)
    return found(call) if found else "*"


@names_resource("s3")
def _s3(call: AwsCall) -> str:
    bucket, key = call.path_parameters.get("Bucket"), call.path_parameters.get("Key")
    if not bucket:
        return "*"
    if call.operation == "DeleteObjects":
        key = "*"
    return f"arn:{call.partition}:s3:::{bucket}" + (f"/{key}" if key else "")


@names_resource("kms")
def _kms(call: AwsCall) -> str:
    import base64

    from .kms_keys import find_key

    key_id = call.params.get("KeyId") or call.params.get("TargetKeyId")
    if not key_id and call.params.get("CiphertextBlob"):
        key_id = base64.b64decode(call.text("CiphertextBlob"))[:36].decode("ascii", "replace")
    if not key_id or call.operation in ("CreateKey", "ListKeys", "ListAliases"):
        return "*"
    if str(key_id).startswith("arn:") and ":key/" in str(key_id):
        return str(key_id)
    return str(find_key(call, str(key_id)).arn)


@names_resource("iam")
def _iam(call: AwsCall) -> str:
    if call.params.get("PolicyArn") and "RoleName" not in call.params and "UserName" not in call.params:
        return call.text("PolicyArn")
    store = backend("iam", call.account, call.partition)
    prefix = f"arn:{call.partition}:iam::{call.account}:"
    for member, (kind, name_of_store) in IAM_MEMBERS.items():
        name = call.params.get(member)
        if name:
            existing: Any = next((each for each in getattr(store, name_of_store).values() if each.name == name), None)
            return str(existing.arn) if existing is not None else f"{prefix}{kind}{call.text('Path', '/')}{name}"
    if call.params.get("OpenIDConnectProviderArn"):
        return call.text("OpenIDConnectProviderArn")
    if call.operation == "CreateOpenIDConnectProvider":
        return f"{prefix}oidc-provider/{call.text('Url').removeprefix('https://')}"
    if call.operation == "CreateServiceLinkedRole":
        return f"{prefix}role/aws-service-role/{call.text('AWSServiceName')}/*"
    if call.operation == "CreatePolicy":
        return f"{prefix}policy{call.text('Path', '/')}{call.text('PolicyName')}"
    if call.identity.kind == "user" and call.operation in ("GetUser", "ListAccessKeys", "CreateAccessKey"):
        return call.identity.arn
    return "*"


@names_resource("secretsmanager")
def _secret(call: AwsCall) -> str:
    from .secrets import find_secret

    name = call.text("SecretId") or call.text("Name")
    secret = find_secret(call, name)
    if secret is not None:
        return str(secret.arn)
    if call.operation == "CreateSecret":
        return f"arn:{call.partition}:secretsmanager:{call.region}:{call.account}:secret:{name}-AbCdEf"
    return name if name.startswith("arn:") else "*"


@names_resource("ssm")
def _parameter(call: AwsCall) -> str:
    name = call.text("Name") or call.text("Path")
    return f"arn:{call.partition}:ssm:{call.region}:{call.account}:parameter/{name.lstrip('/')}" if name else "*"
