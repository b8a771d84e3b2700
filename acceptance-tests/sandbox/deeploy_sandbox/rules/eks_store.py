"""What EKS keeps: clusters with all that belongs to one, in moto's store of clusters.

Amazon EKS API reference, "Common Errors" and the errors of each operation. A repeated `clientRequestToken` gives the
first answer again; AWS documents no code for one that comes back with other parameters, InvalidParameterException is
ours.
"""

from __future__ import annotations

import base64
import copy
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import moto.backends

from ..aws_call import AwsCall
from ..durations import Span, begin
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import before, memory

Body = dict[str, Any]
PAGE_MAX = 100


def invalid(message: str, **extra: str) -> AwsError:
    return AwsError("InvalidParameterException", message, 400, extra=extra)


def refused(message: str, **extra: str) -> AwsError:
    return AwsError("InvalidRequestException", message, 400, extra=extra)


def no_room(message: str, **extra: str) -> AwsError:
    return AwsError("ResourceLimitExceededException", message, 400, extra=extra)


def in_use(message: str, **extra: str) -> AwsError:
    return AwsError("ResourceInUseException", message, 409, extra=extra)


def not_found(message: str, **extra: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, 404, extra=extra)


def now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class Update:
    """One change under way or done, as DescribeUpdate shows it; `apply` is what it does at its end."""

    type: str
    params: list[Body]
    span: Span
    apply: Callable[[], list[Body] | None]
    nodegroup: str | None = None
    addon: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    created: datetime = field(default_factory=now)
    errors: list[Body] = field(default_factory=list)

    def shown(self) -> Body:
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "params": self.params,
            "createdAt": self.created,
            "errors": self.errors,
        }

    def settle(self) -> None:
        if self.status == "InProgress" and self.span.done():
            self.errors = self.apply() or []
            self.status = "Failed" if self.errors else "Successful"


@dataclass
class Part:
    """A node group, an add-on, an access entry or an association: `body` as AWS shows it."""

    body: Body
    span: Span | None = None
    # What only EKS itself knows of it.
    inner: Body = field(default_factory=dict)

    @property
    def status(self) -> str:
        return str(self.body.get("status", ""))


@dataclass
class Cluster:
    account: str
    region: str
    body: Body
    span: Span
    creator: str = ""
    # Add-on software in the cluster that EKS does not manage.
    unmanaged: set[str] = field(default_factory=set)
    nodegroups: dict[str, Part] = field(default_factory=dict)
    addons: dict[str, Part] = field(default_factory=dict)
    entries: dict[str, Part] = field(default_factory=dict)
    associations: dict[str, Part] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)
    # What only an ACTIVE cluster shows.
    late: Body = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def arn(self) -> str:
        return str(self.body["arn"])

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.body.get("tags") or {})

    @property
    def status(self) -> str:
        return str(self.body["status"])

    @property
    def version(self) -> str:
        return str(self.body["version"])

    @property
    def vpc_id(self) -> str:
        return str(self.body["resourcesVpcConfig"]["vpcId"])

    @property
    def security_group(self) -> str:
        return str(self.late["clusterSecurityGroupId"])

    @property
    def issuer(self) -> str:
        return str(self.late["issuer"])

    def ec2(self) -> Any:
        return backend("ec2", self.account, self.region)

    def part_arn(self, kind: str, *names: str) -> str:
        prefix = self.arn.partition(":cluster/")[0]
        return ":".join([prefix, "/".join([kind, self.name, *names])])

    def begin(self, what: str) -> Span:
        return begin(self.account, what)

    def running(self) -> Update | None:
        """The update of the cluster itself that is not over: EKS carries out one at a time."""
        of_cluster = (each for each in self.updates.values() if not each.nodegroup and not each.addon)
        return next((each for each in of_cluster if each.status == "InProgress"), None)


def store(account: str, region: str) -> dict[str, Cluster]:
    found: dict[str, Cluster] = backend("eks", account, region).clusters
    return found


def clusters_of(account: str) -> Iterator[Cluster]:
    """Looking must not make an account."""
    regions = dict.get(moto.backends.get_backend("eks"), account)
    for each in list(dict.values(regions or {})):
        yield from list(each.clusters.values())


def find_cluster(call: AwsCall) -> Cluster:
    name = call.text("clusterName") or call.text("name")
    found = store(call.account, call.region).get(name)
    if found is None:
        raise not_found(f"No cluster found for name: {name}.", clusterName=name)
    return found


def active_cluster(call: AwsCall) -> Cluster:
    """For what AWS does only to a cluster that is there."""
    cluster = find_cluster(call)
    if cluster.status not in ("ACTIVE", "UPDATING"):
        raise refused(f"Cluster is not in ACTIVE status: {cluster.status}", clusterName=cluster.name)
    return cluster


@dataclass
class Answered:
    params: Body
    answer: Body
    cluster: str
    arn: str


def operation(*names: str) -> Callable[[Callable[[AwsCall], Body]], Callable[[AwsCall], Body]]:
    """Answers these operations; a client request token that was seen before gets the first answer again."""

    def register(carry_out: Callable[[AwsCall], Body]) -> Callable[[AwsCall], Body]:
        @before("eks", *names)
        def rule(call: AwsCall) -> Reply | Body:
            if not call.token:
                return carry_out(call)
            seen = memory(call.account, f"eks tokens {call.region}")
            key = (call.operation, call.token)
            first = seen.get(key)
            if first is not None and first.params != call.params:
                raise invalid("The client request token was used before, with different parameters.")
            if first is None:
                answer = copy.deepcopy(carry_out(call))
                cluster = call.text("clusterName") or call.text("name")
                seen[key] = first = Answered(dict(call.params), answer, cluster, _arn_in(answer))
            return copy.deepcopy(first.answer)

        return carry_out

    return register


def _arn_in(answer: Body) -> str:
    for value in answer.values():
        if isinstance(value, dict):
            for name in ("arn", "nodegroupArn", "addonArn", "accessEntryArn", "associationArn"):
                if name in value:
                    return str(value[name])
    return ""


def forget_tokens(account: str, region: str, cluster: str, arn: str | None = None) -> None:
    """A token goes with the object that it made: of a whole cluster, or of the part with this ARN."""
    seen = memory(account, f"eks tokens {region}")
    for key, first in list(seen.items()):
        if first.cluster == cluster and arn in (None, first.arn):
            del seen[key]


def page(call: AwsCall, key: str, items: list[Any]) -> Body:
    """One page of a list: `maxResults` of at most 100, and where the next one starts."""
    size = int(call.params.get("maxResults") or PAGE_MAX)
    if not 1 <= size <= PAGE_MAX:
        raise invalid(f"maxResults must be between 1 and {PAGE_MAX}")
    start = 0
    if call.params.get("nextToken"):
        try:
            start = int(base64.b64decode(call.text("nextToken")))
        except ValueError as error:
            raise invalid("Invalid nextToken") from error
    answer: Body = {key: items[start : start + size]}
    if start + size < len(items):
        answer["nextToken"] = base64.b64encode(str(start + size).encode()).decode()
    return answer


def check_tags(tags: Any) -> dict[str, str]:
    found = dict(tags or {})
    if len(found) > 50:
        raise invalid("A resource can have at most 50 tags.")
    for key in found:
        if str(key).lower().startswith("aws:"):
            raise invalid("Tag keys that start with aws: are reserved.")
    return found
