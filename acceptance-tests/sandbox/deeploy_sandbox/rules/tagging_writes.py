"""TagResources and UntagResources of the Resource Groups Tagging API: its API reference (a resource that cannot be tagged
stands in FailedResourcesMap, and the call succeeds).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import world
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError
from . import before
from .tagging_api import arn_of

ARNS_MAX, TAGS_MAX = 20, 50
# (moto's store, ARN, tags to set, keys to remove)
Write = Callable[[Any, str, dict[str, str], list[str]], None]


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _by_tagger(attribute: str, key: Callable[[str], str] = lambda arn: arn) -> Write:
    def write(store: Any, arn: str, tags: dict[str, str], removed: list[str]) -> None:
        tagger = getattr(store, attribute)
        if tags:
            tagger.tag_resource(key(arn), [{tagger.key_name: name, tagger.value_name: value} for name, value in tags.items()])
        tagger.untag_resource_using_names(key(arn), removed)

    return write


def _in_dict(find: Callable[[Any, str], dict[str, str]]) -> Write:
    def write(store: Any, arn: str, tags: dict[str, str], removed: list[str]) -> None:
        found = find(store, arn)
        found.update(tags)
        for key in removed:
            found.pop(key, None)

    return write


def _secret(store: Any, arn: str, tags: dict[str, str], removed: list[str]) -> None:
    secret = next(each for each in store.secrets.values() if each.arn == arn)
    kept = {tag["Key"]: tag["Value"] for tag in secret.tags or []} | tags
    secret.tags = _pairs({key: value for key, value in kept.items() if key not in removed})


def _rds(store: Any, arn: str, tags: dict[str, str], removed: list[str]) -> None:
    if tags:
        store.add_tags_to_resource(arn, _pairs(tags))
    if removed:
        store.remove_tags_from_resource(arn, removed)


def _eks(store: Any, arn: str, tags: dict[str, str], removed: list[str]) -> None:
    if tags:
        store.tag_resource(arn, tags)
    if removed:
        store.untag_resource(arn, removed)


def _parameter(store: Any, arn: str) -> str:
    """The name, whose leading slash the ARN does not tell."""
    wanted = arn.partition(":parameter/")[2]
    return next(str(versions[-1].name) for versions in list(store._parameters.values()) if versions and versions[-1].name.lstrip("/") == wanted)


WRITES: dict[str, tuple[str, Write]] = {
    "cloudwatch": ("cloudwatch", _by_tagger("tagger")),
    "ec2": ("ec2", _in_dict(lambda store, arn: store.tags[arn.rpartition("/")[2]])),
    "eks": ("eks", _eks),
    "elasticloadbalancing": ("elbv2", _by_tagger("tagging_service")),
    "events": ("events", _by_tagger("tagger")),
    "kms": ("kms", _by_tagger("tagger", lambda arn: arn.rpartition("/")[2])),
    "logs": ("logs", _by_tagger("tagger")),
    "rds": ("rds", _rds),
    "s3": ("s3", _by_tagger("tagger")),
    "secretsmanager": ("secretsmanager", _secret),
    "sns": ("sns", _in_dict(lambda store, arn: store.topics[arn]._tags)),
    "ssm": ("ssm", _in_dict(lambda store, arn: store._resource_tags["Parameter"][_parameter(store, arn)])),
}


@before("resourcegroupstaggingapi", "TagResources", "UntagResources")
def _write(call: AwsCall) -> dict[str, Any]:
    arns, tags = [str(each) for each in call.params.get("ResourceARNList") or []], dict(call.params.get("Tags") or {})
    removed = [str(each) for each in call.params.get("TagKeys") or []]
    if not 1 <= len(arns) <= ARNS_MAX:
        raise AwsError("InvalidParameterException", f"ResourceARNList must have 1 to {ARNS_MAX} ARNs")
    if len(tags) > TAGS_MAX or any(key.lower().startswith("aws:") for key in tags):
        raise AwsError("InvalidParameterException", "Tags must be up to 50, and their keys must not begin with aws:")
    existing = {arn_of(each, call.account) for each in world.objects(call.account)}
    failed: dict[str, Any] = {}
    for arn in arns:
        name, write = WRITES.get((arn.split(":") + ["", "", ""])[2], ("", None))
        if write is None or arn not in existing:
            text = f"The ARN {arn} is not that of an existing resource of a supported service."
            failed[arn] = {"StatusCode": 400, "ErrorCode": "InvalidParameterException", "ErrorMessage": text}
            continue
        region = call.partition if name == "s3" else call.region
        write(backend(name, call.account, region), arn, tags, removed)
    return {"FailedResourcesMap": failed}
