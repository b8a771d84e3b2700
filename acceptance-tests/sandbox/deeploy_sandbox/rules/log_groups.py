"""CloudWatch Logs: API reference of the operations named below; user guide, "Encrypt log data in CloudWatch Logs using
AWS KMS" (the key policy, and the encryption context that its condition goes by), "Protecting log groups from deletion",
and "CloudWatch Logs resources and operations" (the ARNs that policies name).
"""

from __future__ import annotations

import re
from typing import Any

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before
from .resource_arns import names_resource
from .service_principals import key_refusal

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")
NAME = re.compile(r"^[.\-_/#A-Za-z0-9]{1,512}$")
TAGS_MAX, PAGE_MAX, FILTERS_MAX = 50, 50, 100
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt")
TAG_OPERATIONS = ("TagResource", "UntagResource", "ListTagsForResource")
NEED_GROUP = (
    "PutRetentionPolicy", "DeleteRetentionPolicy", "DeleteLogGroup", "PutMetricFilter", "TagLogGroup", "UntagLogGroup",
    "ListTagsLogGroup", "CreateLogStream", "PutSubscriptionFilter",
)  # fmt: skip


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterException", text)


def not_found() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def groups_of(call: AwsCall) -> dict[str, Any]:
    return backend("logs", call.account, call.region).groups


def group_name(identifier: str) -> str:
    """The name out of a name or an ARN, with or without `:*`."""
    return identifier.split(":log-group:", 1)[-1].removesuffix(":*") if identifier.startswith("arn:") else identifier


def find_group(call: AwsCall, identifier: str) -> Any:
    group = groups_of(call).get(group_name(identifier))
    if group is None:
        raise not_found()
    return group


@names_resource("logs")
def _arn(call: AwsCall) -> str:
    """Tag operations name the group; the others its streams, so that only a policy on `…:NAME:*` matches."""
    if call.operation in TAG_OPERATIONS:
        return call.text("resourceArn") or "*"
    name = group_name(call.text("logGroupName") or call.text("logGroupIdentifier") or call.text("resourceIdentifier"))
    prefix = f"arn:{call.partition}:logs:{call.region}:{call.account}:log-group:"
    if call.operation in ("TagLogGroup", "UntagLogGroup", "ListTagsLogGroup"):
        return prefix + name
    return f"{prefix}{name}:log-stream:{call.text('logStreamName')}" if name or call.operation == "DescribeLogGroups" else "*"


def _check_key(call: AwsCall, group_arn: str, key_id: str) -> None:
    service = f"logs.{call.region}.amazonaws.com"
    context = {
        "kms:EncryptionContext:aws:logs:arn": group_arn,
        "kms:EncryptionContextKeys": ["aws:logs:arn"],
        "aws:SourceAccount": call.account,
        "aws:SourceArn": group_arn,
    }
    is_arn = key_id.startswith("arn:") and ":key/" in key_id
    if not is_arn or key_refusal(call.account, call.region, key_id, service, KEY_ACTIONS, context):
        raise invalid(f"The specified KMS key does not exist or is not allowed to be used with Arn '{group_arn}'")


def _check_tags(tags: dict[str, str], already: dict[str, str]) -> None:
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tag keys that begin with aws: are reserved for AWS use.")
    if len({**already, **tags}) > TAGS_MAX:
        raise AwsError("TooManyTagsException", "A resource can have no more than 50 tags.")


@before("logs", "CreateLogGroup")
def _create(call: AwsCall) -> None:
    name, tags = call.text("logGroupName"), call.params.get("tags") or {}
    if not NAME.match(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )
    if name.startswith("aws/"):
        raise invalid("Log groups starting with AWS/ are reserved for AWS.")
    if call.params.get("logGroupClass") not in (None, *CLASSES):
        raise invalid(f"1 validation error detected: Value at 'logGroupClass' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(CLASSES)}]")
    _check_tags(tags, {})
    if name in groups_of(call):
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    if call.params.get("kmsKeyId"):
        _check_key(call, f"arn:{call.partition}:logs:{call.region}:{call.account}:log-group:{name}", call.text("kmsKeyId"))


@after("logs", "CreateLogGroup")
def _created(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300:
        group = groups_of(call)[call.text("logGroupName")]
        group.log_class = call.params.get("logGroupClass") or "STANDARD"
        group.protected = bool(call.params.get("deletionProtectionEnabled"))


@before("logs", *NEED_GROUP)
def _needs_group(call: AwsCall) -> None:
    find_group(call, call.text("logGroupName"))


@before("logs", "PutRetentionPolicy")
def _retention(call: AwsCall) -> None:
    days = call.params.get("retentionInDays")
    if days not in RETENTION_DAYS:
        allowed = ", ".join(str(each) for each in RETENTION_DAYS)
        raise invalid(f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [{allowed}]")


@before("logs", "DescribeLogGroups")
def _describe(call: AwsCall) -> dict[str, Any]:
    params = call.params
    prefix, part = str(params.get("logGroupNamePrefix") or ""), str(params.get("logGroupNamePattern") or "").lower()
    limit = int(params.get("limit") or PAGE_MAX)
    if prefix and part:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if not 1 <= limit <= PAGE_MAX:
        raise invalid(f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50")
    only = [group_name(each) for each in params.get("logGroupIdentifiers") or []]
    after_name = call.text("nextToken")
    found = sorted(
        name
        for name, group in groups_of(call).items()
        if name.startswith(prefix)
        and part in name.lower()
        and (not only or name in only)
        and params.get("logGroupClass") in (None, getattr(group, "log_class", "STANDARD"))
        and name > after_name
    )
    page = found[:limit]
    shown = [_shown(call, groups_of(call)[name]) for name in page]
    return {"logGroups": shown, **({"nextToken": page[-1]} if len(found) > limit else {})}


def _shown(call: AwsCall, group: Any) -> dict[str, Any]:
    filters = backend("logs", call.account, call.region).filters.metric_filters
    return {
        **group.to_describe_dict(),
        "metricFilterCount": sum(each["logGroupName"] == group.name for each in filters),
        "logGroupClass": getattr(group, "log_class", "STANDARD"),
        "deletionProtectionEnabled": getattr(group, "protected", False),
    }


@before("logs", "PutLogGroupDeletionProtection")
def _protect(call: AwsCall) -> dict[str, Any]:
    group = find_group(call, call.text("logGroupIdentifier"))
    group.protected = bool(call.params.get("deletionProtectionEnabled"))
    return {}


@before("logs", "DeleteLogGroup")
def _delete(call: AwsCall) -> None:
    group = find_group(call, call.text("logGroupName"))
    if getattr(group, "protected", False):
        raise AwsError("ValidationException", "Cannot delete log group with deletion protection enabled. Disable deletion protection first.")
    store = backend("logs", call.account, call.region)
    # A group that is made again under the name has neither.
    store.tagger.delete_all_tags_for_resource(group.arn)
    store.filters.metric_filters = [each for each in store.filters.metric_filters if each["logGroupName"] != group.name]


@before("logs", "AssociateKmsKey", "DisassociateKmsKey")
def _key(call: AwsCall) -> dict[str, Any]:
    identifier = call.text("logGroupName") or call.text("resourceIdentifier")
    if bool(call.text("logGroupName")) == bool(call.text("resourceIdentifier")):
        raise invalid("Exactly one of logGroupName and resourceIdentifier must be specified.")
    group = find_group(call, identifier)
    if call.operation == "DisassociateKmsKey":
        group.kms_key_id = None
        return {}
    _check_key(call, group.arn, call.text("kmsKeyId"))
    group.kms_key_id = call.text("kmsKeyId")
    return {}


@before("logs", *TAG_OPERATIONS)
def _tags(call: AwsCall) -> None:
    arn = call.text("resourceArn")
    if ":log-group:" not in arn:
        return
    if arn.endswith(":*"):
        raise invalid("The resource ARN of a log group does not end in :*")
    group = find_group(call, arn)
    if call.operation == "TagResource":
        _check_tags(call.params.get("tags") or {}, backend("logs", call.account, call.region).tagger.get_tag_dict_for_resource(group.arn))


@before("logs", "PutMetricFilter")
def _metric_filter(call: AwsCall) -> None:
    """A filter of the same name is replaced; moto would list both."""
    store, group, name = backend("logs", call.account, call.region), call.text("logGroupName"), call.text("filterName")
    kept = [each for each in store.filters.metric_filters if (each["logGroupName"], each["filterName"]) != (group, name)]
    if sum(each["logGroupName"] == group for each in kept) >= FILTERS_MAX:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    store.filters.metric_filters = kept
