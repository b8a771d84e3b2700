"""SNS subscriptions: API reference of Subscribe, Unsubscribe, ConfirmSubscription, ListSubscriptionsByTopic and
Get-/SetSubscriptionAttributes; developer guide, "Email notifications" (an address must confirm) and "Deleting an
Amazon SNS subscription and topic" (a pending subscription cannot be deleted).
"""

from __future__ import annotations

import re
from typing import Any

import moto.backends
import moto.sns.models

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..routes import setting
from ..wire import AwsError
from . import before
from .service_principals import is_pending
from .sns_topics import find_topic, invalid

PENDING = "PendingConfirmation"
MUST_CONFIRM = ("email", "email-json", "http", "https")
PROTOCOLS = (*MUST_CONFIRM, "sms", "sqs", "lambda", "application", "firehose")
SETTABLE = (
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "SubscriptionRoleArn", "ReplayPolicy",
)  # fmt: skip
PAGE = 100


def _leave_the_network_alone() -> None:
    """moto would post to a subscriber's URL; here nothing leaves the machine, and nobody pending is told anything."""
    publish = moto.sns.models.Subscription.publish

    def publish_inside(self: Any, *given: Any, **named: Any) -> None:
        if self.protocol not in ("http", "https") and not is_pending(self):
            publish(self, *given, **named)

    moto.sns.models.Subscription.publish = publish_inside  # type: ignore[method-assign]


_leave_the_network_alone()


def _check_endpoint(protocol: str, endpoint: str) -> None:
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if protocol.startswith("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", endpoint):
        raise invalid("Email address")
    if protocol in ("http", "https") and not endpoint.startswith(protocol + "://"):
        raise invalid("Endpoint must match the specified protocol")
    if protocol in ("sqs", "lambda", "firehose") and not endpoint.startswith("arn:"):
        raise invalid({"sqs": "SQS endpoint ARN", "lambda": "Lambda endpoint ARN"}.get(protocol, "Endpoint"))


@before("sns", "Subscribe")
def _subscribe(call: AwsCall) -> dict[str, Any]:
    topic, protocol, endpoint = find_topic(call, call.text("TopicArn")), call.text("Protocol"), call.text("Endpoint")
    _check_endpoint(protocol, endpoint)
    attributes = call.params.get("Attributes") or {}
    unknown = next((name for name in attributes if name not in SETTABLE), None)
    if unknown:
        raise invalid(f"Attributes Reason: Unknown attribute: {unknown}")
    store = backend("sns", call.account, call.region)
    existed = store._find_subscription(topic.arn, endpoint, protocol)
    if existed and any(_text(existed.attributes.get(name)) != _text(value) for name, value in attributes.items()):
        raise invalid("Attributes Reason: Subscription already exists with different attributes")
    made = existed or store.subscribe(topic.arn, endpoint, protocol)
    if not existed:
        pending = protocol in MUST_CONFIRM
        made.attributes[PENDING], made.attributes["ConfirmationWasAuthenticated"] = pending, not pending
        for name in sorted(attributes, key=lambda each: each != "FilterPolicyScope"):
            store.set_subscription_attributes(made.arn, name, _text(attributes[name]))
    shown = is_pending(made) and not call.params.get("ReturnSubscriptionArn") in (True, "true")
    return {"SubscriptionArn": "pending confirmation" if shown else made.arn}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _listed(subscription: Any) -> dict[str, str]:
    return {
        "SubscriptionArn": PENDING if is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic.arn,
    }


@before("sns", "ListSubscriptionsByTopic", "ListSubscriptions")
def _list(call: AwsCall) -> dict[str, Any]:
    found = list(backend("sns", call.account, call.region).subscriptions.values())
    if call.operation == "ListSubscriptionsByTopic":
        topic = find_topic(call, call.text("TopicArn"))
        found = [each for each in found if each.topic.arn == topic.arn]
    start = call.text("NextToken", "0")
    if not start.isdigit():
        raise invalid("NextToken")
    page = [_listed(each) for each in found[int(start) : int(start) + PAGE]]
    more = int(start) + PAGE < len(found)
    return {"Subscriptions": page, **({"NextToken": str(int(start) + PAGE)} if more else {})}


def _found(call: AwsCall) -> Any:
    arn = call.text("SubscriptionArn")
    count = len(arn.split(":"))
    if count < 6:
        raise invalid(f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {count}")
    return backend("sns", call.account, call.region).subscriptions.get(arn)


@before("sns", "Unsubscribe")
def _unsubscribe(call: AwsCall) -> dict[str, Any] | None:
    subscription = _found(call)
    if subscription is None:
        return None
    if is_pending(subscription):
        raise invalid("This subscription is pending confirmation and cannot be deleted")
    subscription.topic.subscriptions_deleted += 1
    return None


@before("sns", "GetSubscriptionAttributes")
def _get(call: AwsCall) -> dict[str, Any]:
    subscription = _found(call)
    if subscription is None:
        raise AwsError("NotFound", "Subscription does not exist", 404)
    attributes = backend("sns", call.account, call.region).get_subscription_attributes(subscription.arn)
    return {"Attributes": {name: _text(value) for name, value in attributes.items()}}


@before("sns", "SetSubscriptionAttributes")
def _set(call: AwsCall) -> None:
    if _found(call) is None:
        raise AwsError("NotFound", "Subscription does not exist", 404)
    if call.text("AttributeName") not in SETTABLE:
        raise invalid("AttributeName")


@before("sns", "ConfirmSubscription")
def _confirm(call: AwsCall) -> dict[str, Any]:
    """The token, which AWS sends to the endpoint, is here the last part of the subscription's ARN."""
    topic = find_topic(call, call.text("TopicArn"))
    subscription = backend("sns", call.account, call.region).subscriptions.get(f"{topic.arn}:{call.text('Token')}")
    if subscription is None:
        raise invalid("Token")
    confirm(subscription)
    return {"SubscriptionArn": subscription.arn}


def confirm(subscription: Any) -> None:
    subscription.attributes[PENDING] = False


@setting("sns_confirm")
def _confirm_for_a_person(account: str | None, arn: Any) -> list[str]:
    """What a person does who clicks the link: all pending subscriptions of a topic, or one by its ARN or endpoint."""
    if account is None:
        raise ValueError("which account?")
    confirmed = []
    region = str(arn).split(":")[3] if str(arn).startswith("arn:") else None
    regions = dict.get(moto.backends.get_backend("sns"), account) or {}
    for name, store in list(regions.items()):
        for each in list(store.subscriptions.values()):
            if region in (None, name) and is_pending(each) and arn in (each.arn, each.topic.arn, each.endpoint):
                confirm(each)
                confirmed.append(each.arn)
    if not confirmed:
        raise ValueError(f"no subscription of {arn} is pending")
    return confirmed
