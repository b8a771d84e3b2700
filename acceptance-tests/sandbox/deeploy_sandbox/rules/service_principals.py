"""What an AWS service may do by itself: use a key, publish to a topic.

SNS developer guide, "Key management" ("Enable compatibility between event sources from AWS services and encrypted
topics") and "Example cases for Amazon SNS access control"; EventBridge user guide, "Amazon SNS permissions"; RDS
user guide, "Granting permissions to publish notifications to an Amazon SNS topic" (the default policy admits RDS of
the same account).
"""

from __future__ import annotations

from typing import Any

from .. import evaluate
from ..conditions import folded
from ..identity_policies import principal_of
from ..moto_bridge import backend
from . import memory

# These carry the deprecated aws:SourceOwner, which SNS's default topic policy asks for. EventBridge does not.
CARRY_SOURCE_OWNER = ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com", "rds.amazonaws.com", "budgets.amazonaws.com")
NEEDED_OF_KEY = ("kms:GenerateDataKey", "kms:Decrypt")
DELIVERIES_MAX = 1000


def key_of(account: str, region: str, key_id: str) -> Any:
    """moto's key by id, ARN, alias or alias's ARN; None where there is none. Makes nothing."""
    name = key_id
    if key_id.startswith("arn:"):
        parts = key_id.split(":", 5)
        if len(parts) < 6 or parts[3] != region:
            return None
        account, name = parts[4], parts[5].removeprefix("key/")
    keys = backend("kms", account, region).keys
    if name.startswith("alias/"):
        return next((key for key in keys.values() if name in key.aliases), None)
    return keys.get(name)


def key_refusal(
    account: str, region: str, key_id: str, service: str, actions: tuple[str, ...], context: dict[str, Any]
) -> str | None:
    """Why the service may not use the key; None where it may."""
    if "alias/aws/" in key_id:
        # Its policy cannot be changed, and admits the account's principals only.
        return f"the policy of the AWS managed key {key_id} does not admit {service}"
    key = key_of(account, region, key_id)
    if key is None:
        return f"the key {key_id} does not exist"
    if key.key_state != "Enabled":
        return f"the key {key.arn} is {key.key_state}"
    if getattr(key, "key_spec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        return f"the key {key.arn} is not symmetric"
    for action in actions:
        decision, _ = evaluate.decide(principal_of("", service=service), evaluate.Question(action, str(key.arn), folded(context)))
        if decision != "allowed":
            return f"the policy of the key {key.arn} does not admit {action} by {service} ({decision})"
    return None


def publish_as(
    account: str, region: str, topic_arn: str, service: str, source_arn: str | None = None, source_account: str | None = None
) -> tuple[bool, str]:
    """Whether a message of a service reaches a topic, and why not. `account` is the one that the service acts for."""
    delivered, why = _publish(region, topic_arn, service, source_arn, source_account or account)
    log = memory(account, "deliveries", list)
    recipients = _recipients(topic_arn) if delivered else []
    log.append({"topic_arn": topic_arn, "service": service, "source_arn": source_arn, "delivered": delivered, "why": why, "recipients": recipients})
    del log[:-DELIVERIES_MAX]
    return delivered, why


def _publish(region: str, topic_arn: str, service: str, source_arn: str | None, source_account: str) -> tuple[bool, str]:
    parts = topic_arn.split(":")
    if len(parts) != 6 or parts[2] != "sns":
        return False, f"{topic_arn} is no topic"
    owner, topic_region = parts[4], parts[3]
    topic = backend("sns", owner, topic_region).topics.get(topic_arn)
    if topic is None:
        return False, f"the topic {topic_arn} does not exist"
    if topic_region != region and service.startswith("events."):
        return False, f"{service} reaches topics of its own region only"
    context: dict[str, Any] = {"aws:SourceAccount": source_account, "aws:PrincipalIsAWSService": "true", "aws:SecureTransport": "true"}
    if source_arn:
        context["aws:SourceArn"] = source_arn
    if service in CARRY_SOURCE_OWNER:
        context["aws:SourceOwner"] = source_account
    question = evaluate.Question("sns:Publish", topic_arn, folded(context))
    decision, _ = evaluate.decide(principal_of("", service=service), question)
    if decision != "allowed":
        return False, f"the policy of the topic {topic_arn} does not admit sns:Publish by {service} ({decision})"
    if topic.kms_master_key_id:
        within = {**context, "kms:EncryptionContext:aws:sns:topicArn": topic_arn, "kms:CallerAccount": owner}
        within["kms:ViaService"] = f"sns.{topic_region}.amazonaws.com"
        refusal = key_refusal(owner, topic_region, topic.kms_master_key_id, service, NEEDED_OF_KEY, within)
        if refusal:
            return False, refusal
    return True, ""


def _recipients(topic_arn: str) -> list[str]:
    """The confirmed subscriptions' endpoints."""
    parts = topic_arn.split(":")
    subscriptions = backend("sns", parts[4], parts[3]).subscriptions.values()
    return [each.endpoint for each in subscriptions if each.topic.arn == topic_arn and not is_pending(each)]


def is_pending(subscription: Any) -> bool:
    return str(subscription.attributes.get("PendingConfirmation")).lower() == "true"


