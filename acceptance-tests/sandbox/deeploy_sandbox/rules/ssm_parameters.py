"""Parameter Store: API reference of PutParameter, GetParameter, GetParametersByPath, DeleteParameter and AddTagsToResource;
user guide, "Parameter tiers" and "AWS KMS encryption for SecureString parameters"; EKS user guide, "Retrieve recommended
Amazon Linux AMI IDs" (public parameters).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from moto.core.utils import utcnow
from moto.ssm.models import Parameter

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before
from .kms_keys import find_key

NAME = re.compile(r"^/?[A-Za-z0-9_.\-]+(/[A-Za-z0-9_.\-]+)*$")
STANDARD_CHARACTERS_MAX, ADVANCED_CHARACTERS_MAX, LEVELS_MAX, TAGS_MAX = 4096, 8192, 15, 50
KUBERNETES = tuple(f"1.{minor}" for minor in range(30, 37))
EKS_ROOT = "/aws/service/eks/optimized-ami"


def public_parameters(version: str) -> dict[str, str]:
    """EKS's images of a Kubernetes version: names and values, the same at each look."""
    found = {}
    for system, machines, variants in (
        ("amazon-linux-2023", ("x86_64", "arm64"), ("standard", "nvidia", "neuron")),
        ("amazon-linux-2", ("",), ("",)),
    ):
        if system == "amazon-linux-2" and int(version[2:]) > 32:
            continue
        for machine in machines:
            for variant in variants:
                base = "/".join(part for part in (EKS_ROOT, version, system, machine, variant, "recommended") if part)
                image = "ami-" + hashlib.sha256(base.encode()).hexdigest()[:17]
                release = f"{version}.0-20261101"
                found[base + "/image_id"] = image
                found[base + "/release_version"] = release
                found[base + "/image_name"] = f"amazon-eks-node-{system}-{version}-v20261101"
                found[base] = json.dumps({"schema_version": "2.0", "image_id": image, "image_name": found[base + "/image_name"], "release_version": release})
    return found


@before("ssm", "GetParameter", "GetParameters", "GetParametersByPath")
def _public(call: AwsCall) -> None:
    names = [call.text("Name"), call.text("Path"), *(str(each) for each in call.params.get("Names") or [])]
    for name in names:
        if not name.startswith(EKS_ROOT):
            continue
        store, asked = backend("ssm", call.account, call.region)._parameters, name.removeprefix(EKS_ROOT).strip("/").split("/")[0]
        for version in KUBERNETES if not asked else (asked,) if asked in KUBERNETES else ():
            for each, value in public_parameters(version).items():
                if each not in store:
                    store[each].append(_made(call.account, each, value))


def _made(account: str, name: str, value: str) -> Parameter:
    return Parameter(
        account_id=account, name=name, value=value, parameter_type="String", description=None, allowed_pattern=None, keyid=None,
        last_modified_date=utcnow(), version=1, data_type="text",
    )  # fmt: skip


@before("ssm", "PutParameter")
def _put(call: AwsCall) -> None:
    name, value, tier = call.text("Name"), call.text("Value"), call.text("Tier", "Standard")
    if not NAME.match(name) or len(name) > 1011:
        raise AwsError(
            "ValidationException",
            'Parameter name must be a fully qualified name; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_',
        )
    if len(name.strip("/").split("/")) > LEVELS_MAX:
        raise AwsError("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15 levels.")
    most = ADVANCED_CHARACTERS_MAX if tier in ("Advanced", "Intelligent-Tiering") else STANDARD_CHARACTERS_MAX
    if len(value.encode()) > most:
        raise AwsError("ValidationException", f"{tier} tier parameters support a maximum parameter value of {most} characters.")
    pattern = call.params.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        raise AwsError("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: " + pattern)
    _check_tags(call, {})
    if call.text("Type") == "SecureString" and call.params.get("KeyId"):
        check_key(call, call.text("KeyId"))


def check_key(call: AwsCall, key_id: str) -> None:
    if "alias/aws/" in key_id:
        return
    try:
        key = find_key(call, key_id)
    except AwsError as error:
        raise AwsError("InvalidKeyId", error.message) from error
    if key.key_state != "Enabled":
        raise AwsError("InvalidKeyId", f"{key.arn} is {key.key_state}.")


def stored(call: AwsCall, name: str) -> Any:
    """The latest version of a parameter by name, name and version, or ARN."""
    versions = backend("ssm", call.account, call.region)._parameters
    bare = name.partition(":parameter")[2] if name.startswith("arn:") else name
    bare = bare.split(":")[0]
    return versions[bare][-1] if bare in versions else None


@before("ssm", "GetParameter", "GetParameters")
def _decrypt(call: AwsCall) -> None:
    if call.params.get("WithDecryption") not in (True, "true"):
        return
    for name in [call.text("Name")] if call.operation == "GetParameter" else call.params.get("Names") or []:
        found = stored(call, str(name)) if name else None
        if found is not None and found.parameter_type == "SecureString":
            check_key(call, found.keyid)


def _check_tags(call: AwsCall, already: dict[str, str]) -> None:
    keys = {str(tag.get("Key", "")) for tag in call.params.get("Tags") or []}
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("ValidationException", "Tag keys that begin with aws: are reserved for AWS use.")
    if len(keys | set(already)) > TAGS_MAX:
        raise AwsError("TooManyTagsError", "The number of tags exceeds the limit of 50.")


@before("ssm", "AddTagsToResource")
def _tag(call: AwsCall) -> None:
    if call.text("ResourceType") == "Parameter":
        tags = backend("ssm", call.account, call.region)._resource_tags
        _check_tags(call, tags.get("Parameter", {}).get(call.text("ResourceId"), {}))


@after("ssm", "DeleteParameter", "DeleteParameters")
def _gone(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300:
        tags = backend("ssm", call.account, call.region)._resource_tags.get("Parameter", {})
        for name in call.params.get("Names") or [call.text("Name")]:
            tags.pop(name, None)
