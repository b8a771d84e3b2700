"""Events and event subscriptions: API reference, user guide "Working with Amazon RDS event notification"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ..aws_call import AwsCall
from ..durations import Span, begin
from ..moto_bridge import backend
from ..rds import events, quotas
from ..rds.instances import find_instance, instances, now
from ..rds.store import Place, Record, check_identifier, combination, invalid, name_of, pages, place_of, present, tags_of
from ..wire import AwsError
from . import before


@dataclass
class Subscription(Record):
    topic: str
    source_type: str | None = None
    source_ids: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    enabled: bool = True
    made: datetime = field(default_factory=now)
    span: Span | None = None
    phase: str = "creating"

    def __post_init__(self) -> None:
        self.kind = "es"

    @property
    def status(self) -> str:
        if self.span is not None and not self.span.done():
            return self.phase
        topics = backend("sns", self.place.account, self.place.region).topics
        return "active" if self.topic in topics else "topic-not-exist"

    def shown(self) -> dict[str, Any]:
        return present(
            {
                "CustomerAwsId": self.place.account,
                "CustSubscriptionId": self.name,
                "SnsTopicArn": self.topic,
                "Status": self.status,
                "SubscriptionCreationTime": self.made.strftime("%a %b %d %H:%M:%S UTC %Y"),
                "SourceType": self.source_type,
                "SourceIdsList": self.source_ids,
                "EventCategoriesList": self.categories,
                "Enabled": self.enabled,
                "EventSubscriptionArn": self.arn,
            }
        )

    @property
    def gone(self) -> bool:
        return self.phase == "deleting" and self.span is not None and self.span.done()

    def begin(self, phase: str) -> None:
        self.phase, self.span = phase, begin(self.place.account, "rds:event-subscription")


def _of(call: AwsCall) -> Subscription:
    name = name_of(call.text("SubscriptionName"))
    _sweep(place_of(call))
    found = place_of(call).moto.event_subscriptions.get(name)
    if found is None:
        raise AwsError("SubscriptionNotFound", f"Event Subscription {name} not found.", 404)
    return found


def _check_topic(place: Place, arn: str) -> None:
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "sns":
        raise AwsError("SNSInvalidTopic", f"SNS topic is invalid: {arn}")
    if parts[4] == place.account and arn not in backend("sns", place.account, parts[3]).topics:
        raise AwsError("SNSTopicArnNotFound", f"SNS topic ARN {arn} does not exist", 404)


def _check_categories(kind: str | None, categories: list[str]) -> None:
    if kind is not None and kind not in events.CATEGORIES:
        raise invalid(f"Invalid source type: {kind}")
    if categories and kind is None:
        raise combination("You must specify a source type when you specify event categories.")
    for category in categories:
        if category not in events.CATEGORIES[str(kind)]:
            raise AwsError("SubscriptionCategoryNotFound", f"The event category {category} does not exist for the source type {kind}.", 404)


def _check_source(place: Place, kind: str | None, name: str) -> None:
    if kind is None:
        raise combination("You must specify a source type when you specify source ids.")
    if kind == "db-instance":
        found: Any = find_instance(place, name)
    elif kind == "db-parameter-group":
        found = place.moto.db_parameter_groups.get(name)
    elif kind == "db-snapshot":
        found = place.moto.database_snapshots.get(name)
    else:
        found = None
    if found is None:
        raise AwsError("SourceNotFound", f"The source {name} of type {kind} was not found.", 404)


@before("rds", "CreateEventSubscription")
def _create(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    _sweep(place)
    name, tags = check_identifier("SubscriptionName", call.text("SubscriptionName"), 254), tags_of(call)
    if name in place.moto.event_subscriptions:
        raise AwsError("SubscriptionAlreadyExist", f"Subscription {name} already exists.")
    quotas.require_room(place, "EventSubscriptions", len(place.moto.event_subscriptions) + 1)
    _check_topic(place, call.text("SnsTopicArn"))
    kind = call.params.get("SourceType")
    categories = [str(each) for each in call.params.get("EventCategories") or []]
    sources = [str(each) for each in call.params.get("SourceIds") or []]
    _check_categories(kind, categories)
    for each in sources:
        _check_source(place, kind, each)
    made = Subscription(place, name, call.text("SnsTopicArn"), kind, sources, categories, call.params.get("Enabled") is not False, tags=tags)
    made.begin("creating")
    place.moto.event_subscriptions[name] = made
    return {"EventSubscription": {**made.shown(), "Status": "creating"}}


@before("rds", "DescribeEventSubscriptions")
def _describe(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    _sweep(place)
    rows = [_of(call)] if call.text("SubscriptionName") else sorted(place.moto.event_subscriptions.values(), key=lambda each: each.name)
    rows, more = pages(call, rows)
    return {"EventSubscriptionsList": [each.shown() for each in rows], **more}


def _require_settled(found: Subscription) -> None:
    if found.status in ("creating", "modifying", "deleting"):
        raise AwsError("InvalidEventSubscriptionState", f"The subscription {found.name} is {found.status}.")


@before("rds", "ModifyEventSubscription")
def _modify(call: AwsCall) -> dict[str, Any]:
    found, params = _of(call), call.params
    _require_settled(found)
    if params.get("SnsTopicArn"):
        _check_topic(found.place, call.text("SnsTopicArn"))
    kind = params.get("SourceType", found.source_type)
    given = params.get("EventCategories")
    categories = [str(each) for each in given] if given is not None else found.categories if kind == found.source_type else []
    _check_categories(kind, categories)
    found.topic = params.get("SnsTopicArn") or found.topic
    if kind != found.source_type:
        found.source_ids = []
    found.source_type, found.categories = kind, categories
    if params.get("Enabled") is not None:
        found.enabled = bool(params["Enabled"])
    found.begin("modifying")
    return {"EventSubscription": {**found.shown(), "Status": "modifying"}}


@before("rds", "AddSourceIdentifierToSubscription")
def _add_source(call: AwsCall) -> dict[str, Any]:
    found, name = _of(call), call.text("SourceIdentifier")
    _check_source(found.place, found.source_type, name)
    if name not in found.source_ids:
        found.source_ids.append(name)
    found.begin("modifying")
    return {"EventSubscription": {**found.shown(), "Status": "modifying"}}


@before("rds", "RemoveSourceIdentifierFromSubscription")
def _remove_source(call: AwsCall) -> dict[str, Any]:
    found, name = _of(call), call.text("SourceIdentifier")
    if name not in found.source_ids:
        raise AwsError("SourceNotFound", f"The source {name} was not found.", 404)
    found.source_ids.remove(name)
    found.begin("modifying")
    return {"EventSubscription": {**found.shown(), "Status": "modifying"}}


@before("rds", "DeleteEventSubscription")
def _delete(call: AwsCall) -> dict[str, Any]:
    found = _of(call)
    _require_settled(found)
    found.begin("deleting")
    return {"EventSubscription": {**found.shown(), "Status": "deleting"}}


def _sweep(place: Place) -> None:
    """Those whose deletion is over."""
    store = place.moto.event_subscriptions
    for name in [name for name, each in store.items() if each.gone]:
        store.pop(name)


@before("rds", "DescribeEventCategories")
def _categories(call: AwsCall) -> dict[str, Any]:
    kind = call.text("SourceType")
    if kind and kind not in events.CATEGORIES:
        raise invalid(f"Invalid source type: {kind}")
    return {"EventCategoriesMapList": [{"SourceType": name, "EventCategories": each} for name, each in events.CATEGORIES.items() if kind in ("", name)]}


@before("rds", "DescribeEvents")
def _events(call: AwsCall) -> dict[str, Any]:
    """The last hour, where nothing else is asked for."""
    place, params = place_of(call), call.params
    instances(place)
    if params.get("SourceIdentifier") and not params.get("SourceType"):
        raise combination("You must specify SourceType when you specify SourceIdentifier.")
    until = params.get("EndTime") or datetime.now(timezone.utc)
    since = params.get("StartTime") or until - timedelta(minutes=int(params.get("Duration") or 60))
    rows = [
        each
        for each in events.of(place)
        if _aware(since) <= each["Date"] <= _aware(until)
        and params.get("SourceType") in (None, each["SourceType"])
        and params.get("SourceIdentifier") in (None, each["SourceIdentifier"])
        and (not params.get("EventCategories") or set(params["EventCategories"]) & set(each["EventCategories"]))
    ]
    rows, more = pages(call, rows)
    return {"Events": rows, **more}


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)
