"""AWS Health: API reference of DescribeEvents ("You must have a Business, Enterprise On-Ramp, or Enterprise Support plan")."""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..routes import setting
from ..wire import AwsError
from . import before, memory

PLANS = ("basic", "developer", "business", "enterprise-on-ramp", "enterprise")
FILTERS = {
    "services": "service", "regions": "region", "eventTypeCodes": "eventTypeCode", "eventTypeCategories": "eventTypeCategory",
    "eventStatusCodes": "statusCode", "availabilityZones": "availabilityZone", "eventArns": "arn",
}  # fmt: skip


@setting("support_plan")
def _plan(account: str | None, plan: str) -> str:
    if account is None or plan not in PLANS:
        raise ValueError(f"an account, and a plan of {', '.join(PLANS)}")
    memory(account, "health")["plan"] = plan
    return plan


@setting("health_events")
def _events(account: str | None, events: list[dict[str, Any]]) -> int:
    """Replaces what DescribeEvents finds; members as the API gives them."""
    if account is None:
        raise ValueError("which account?")
    memory(account, "health")["events"] = events
    return len(events)


@before("health", "*")
def _subscribed(call: AwsCall) -> None:
    if memory(call.account, "health").get("plan", "basic") in ("basic", "developer"):
        raise AwsError("SubscriptionRequiredException", "The AWS Premium Support Subscription is required to use this service.")


@before("health", "DescribeEvents")
def _describe(call: AwsCall) -> dict[str, Any]:
    wanted = call.params.get("filter") or {}
    found = [
        event
        for event in memory(call.account, "health").get("events", [])
        if all(not wanted.get(name) or event.get(member) in wanted[name] for name, member in FILTERS.items())
    ]
    size, start = int(call.params.get("maxResults") or 100), int(call.text("nextToken", "0"))
    more = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return {"events": found[start : start + size], **more}
