"""SNS topics: API reference of CreateTopic, SetTopicAttributes, GetTopicAttributes and TagResource; developer
guide, "Amazon SNS topic tags" and "Amazon SNS message delivery status".
"""

from __future__ import annotations

import json
import re
from typing import Any

from .. import policy_documents, principals
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..policy_documents import as_list
from ..routes import route
from ..wire import AwsError, Reply
from . import before, memory
from .resource_arns import names_resource
from .service_principals import is_pending, publish_as

TAGS_MAX = 50
# moto's attribute of each that a topic may be given.
KEPT = {
    "DisplayName": "display_name", "Policy": "policy", "DeliveryPolicy": "delivery_policy",
    "KmsMasterKeyId": "kms_master_key_id", "FifoTopic": "fifo_topic",
    "ContentBasedDeduplication": "content_based_deduplication", "SignatureVersion": "signature_version",
    "TracingConfig": "tracing_config", "ArchivePolicy": "archive_policy", "DataProtectionPolicy": "data_protection_policy",
    "FifoThroughputScope": "fifo_throughput_scope",
}  # fmt: skip
FEEDBACK = re.compile(r"^(HTTP|Lambda|SQS|Application|Firehose)(Success|Failure)Feedback(RoleArn|SampleRate)$")


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {text}")


def find_topic(call: AwsCall, arn: str) -> Any:
    parts = arn.split(":")
    if len(parts) != 6:
        raise invalid(f"TopicArn Reason: An ARN must have at least 6 elements, not {len(parts)}")
    if parts[3] != call.region:
        raise invalid("TopicArn")
    topic = backend("sns", parts[4], call.region).topics.get(arn)
    if topic is None:
        raise AwsError("NotFound", "Topic does not exist", 404)
    return topic


@names_resource("sns")
def _arn(call: AwsCall) -> str:
    for member in ("TopicArn", "TargetArn", "ResourceArn"):
        if call.params.get(member):
            return call.text(member)
    if call.params.get("SubscriptionArn"):
        # Actions on a subscription are judged by its topic.
        return call.text("SubscriptionArn").rpartition(":")[0] or "*"
    if call.operation == "CreateTopic":
        return f"arn:{call.partition}:sns:{call.region}:{call.account}:{call.text('Name')}"
    return "*"


def check_tags(call: AwsCall, already: dict[str, str]) -> dict[str, str]:
    """The tags of a request, which together with the present ones must not be too many."""
    tags = {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in call.params.get("Tags") or []}
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tags Reason: aws: prefixed tag key names are not allowed for external use")
    if len(tags) != len(call.params.get("Tags") or []):
        raise invalid("Tags Reason: Duplicate keys are not allowed.")
    if len({**already, **tags}) > TAGS_MAX:
        raise AwsError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
    return tags


def _check_attribute(topic_arn: str, name: str, value: str) -> None:
    if name not in KEPT and not FEEDBACK.match(name):
        raise invalid("AttributeName")
    if name == "DisplayName" and len(value) > 100:
        raise invalid("DisplayName Reason: must be at most 100 characters long")
    if name == "SignatureVersion" and value not in ("1", "2"):
        raise invalid("SignatureVersion Reason: must be 1 or 2")
    if name == "TracingConfig" and value not in ("PassThrough", "Active"):
        raise invalid("TracingConfig Reason: must be PassThrough or Active")
    if name == "Policy":
        _check_policy(topic_arn, value)


def _check_policy(topic_arn: str, text: str) -> None:
    try:
        document = policy_documents.check(text, "resource")
    except policy_documents.Malformed as error:
        raise invalid(f"Policy Error: {error}") from error
    if principals.first_unknown(document):
        raise invalid("Policy Error: PrincipalNotFound")
    for statement in policy_documents.statements(document):
        actions = [str(each).lower() for each in as_list(statement.get("Action", statement.get("NotAction")))]
        if any(not each.startswith("sns:") and each != "*" for each in actions) or "sns:*" in actions or "*" in actions:
            raise invalid("Policy statement action out of service scope!")
        if any(resource not in ("*", topic_arn) for resource in as_list(statement.get("Resource"))):
            raise invalid("Policy Reason: The resource of a statement must be the topic")


def _shown(topic: Any, name: str) -> str:
    value = getattr(topic, KEPT[name], "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(name: str, one: str, other: str) -> bool:
    if name in ("Policy", "DeliveryPolicy") and one and other:
        return bool(json.loads(one) == json.loads(other))
    return one == other


@before("sns", "CreateTopic")
def _create(call: AwsCall) -> dict[str, Any] | None:
    name, attributes = call.text("Name"), call.params.get("Attributes") or {}
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}(\.fifo)?", name) or len(name) > 256:
        raise invalid("Topic Name")
    arn = f"arn:{call.partition}:sns:{call.region}:{call.account}:{name}"
    tags = check_tags(call, {})
    for key, value in attributes.items():
        _check_attribute(arn, key, str(value))
    topic = backend("sns", call.account, call.region).topics.get(arn)
    if topic is None:
        return None
    if any(not _same(key, _shown(topic, key), str(value)) for key, value in attributes.items() if key in KEPT):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    if tags and tags != topic._tags:
        raise invalid("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": arn}


@before("sns", "SetTopicAttributes")
def _set(call: AwsCall) -> dict[str, Any] | None:
    topic, name, value = find_topic(call, call.text("TopicArn")), call.text("AttributeName"), call.text("AttributeValue")
    _check_attribute(topic.arn, name, value)
    if name == "FifoTopic":
        raise invalid("AttributeName")
    if FEEDBACK.match(name):
        topic.feedback = {**getattr(topic, "feedback", {}), name: value}
        return {}
    return None


@before("sns", "GetTopicAttributes")
def _get(call: AwsCall) -> dict[str, Any]:
    topic = find_topic(call, call.text("TopicArn"))
    found = {
        "TopicArn": topic.arn, "Owner": topic.account_id, "Policy": topic.policy, "DisplayName": topic.display_name,
        "EffectiveDeliveryPolicy": topic.effective_delivery_policy,
    }  # fmt: skip
    for name in ("DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig"):
        if _shown(topic, name):
            found[name] = _shown(topic, name)
    if topic.fifo_topic:
        found |= {"FifoTopic": "true", "ContentBasedDeduplication": _shown(topic, "ContentBasedDeduplication")}
    own = [each for each in backend("sns", call.account, call.region).subscriptions.values() if each.topic.arn == topic.arn]
    pending = sum(is_pending(each) for each in own)
    found |= {"SubscriptionsPending": str(pending), "SubscriptionsConfirmed": str(len(own) - pending)}
    found["SubscriptionsDeleted"] = str(topic.subscriptions_deleted)
    return {"Attributes": {**found, **getattr(topic, "feedback", {})}}


@before("sns", "TagResource", "UntagResource", "ListTagsForResource")
def _tags(call: AwsCall) -> Reply | None:
    arn = call.text("ResourceArn")
    topic = backend("sns", call.account, call.region).topics.get(arn)
    if topic is None:
        raise AwsError("ResourceNotFound", "Resource does not exist", 404)
    if call.operation == "TagResource":
        check_tags(call, topic._tags)
    return None


@route("POST", "deliver")
def _deliver(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """A service of AWS publishes to a topic: does it arrive?"""
    delivered, why = publish_as(
        str(account), str(body["region"]), str(body["topic_arn"]), str(body["service"]), body.get("source_arn"), body.get("source_account")
    )
    return {"delivered": delivered, "why": why}


@route("GET", "deliveries")
def _deliveries(account: str | None, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What services published, by `deliver` or by an alarm's change of state."""
    if account is None:
        raise ValueError("which account?")
    return list(memory(account, "deliveries", list))
