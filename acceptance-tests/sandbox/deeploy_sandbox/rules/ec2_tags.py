"""Tags on any EC2 object: EC2 user guide, "Tag your Amazon EC2 resources"; API reference of CreateTags (the objects
must exist), DeleteTags (with a value: only if it has that value) and DescribeTags.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import filtered, page
from .ec2_objects import KINDS, check_tags, find, store


def _resources(call: AwsCall, must_exist: bool) -> list[str]:
    ids = call.params.get("Resources") or []
    if not ids:
        raise AwsError("MissingParameter", "The request must contain the parameter resourceIdSet")
    for id in ids:
        prefix = id.rpartition("-")[0]
        if prefix not in KINDS:
            raise AwsError("InvalidID", f"The ID '{id}' is not valid")
        if must_exist:
            find(call, prefix, id)
    return [str(id) for id in ids]


@before("ec2", "CreateTags")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2, ids = store(call), _resources(call, must_exist=True)
    if not call.params.get("Tags"):
        raise AwsError("MissingParameter", "The request must contain the parameter tagSet")
    for id in ids:
        tags = check_tags(call.params["Tags"], ec2.tags.get(id))
        ec2.tags[id].update(tags)
    return {}


@before("ec2", "DeleteTags")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, ids = store(call), _resources(call, must_exist=False)
    asked = call.params.get("Tags")
    for id in ids:
        present = ec2.tags.get(id) or {}
        if not asked:
            for key in [key for key in present if not key.startswith("aws:")]:
                present.pop(key)
        for each in asked or []:
            key, value = str(each.get("Key")), each.get("Value")
            if key.lower().startswith("aws:"):
                raise AwsError("InvalidParameterValue", f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use")
            if key in present and value in (None, present[key]):
                present.pop(key)
    return {}


@before("ec2", "DescribeTags")
def _describe(call: AwsCall) -> Reply:
    rows = [
        {"ResourceId": id, "ResourceType": KINDS[id.rpartition("-")[0]].resource_type, "Key": key, "Value": value, "Tags": [{"Key": key, "Value": value}]}
        for id, tags in list(store(call).tags.items())
        if id.rpartition("-")[0] in KINDS
        for key, value in tags.items()
    ]
    filters = {"key": "Key", "resource-id": "ResourceId", "resource-type": "ResourceType", "value": "Value"}
    rows = filtered(call, rows, filters)
    start, end, token = page(call, len(rows))
    shown = [{name: value for name, value in row.items() if name != "Tags"} for row in rows[start:end]]
    return call.answer({"Tags": shown, **({"NextToken": token} if token else {})})
