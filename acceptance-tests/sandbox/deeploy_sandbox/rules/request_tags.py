"""The condition keys of tags: IAM user guide, "Controlling access to AWS resources using tags" and "Global condition keys"."""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall


def request_tags(call: AwsCall) -> dict[str, str]:
    """The tags that a request gives, in whichever way its service spells them."""
    found: dict[str, str] = {}
    for tags in _lists(call):
        if isinstance(tags, dict):
            found |= {str(key): str(value) for key, value in tags.items()}
        for tag in tags if isinstance(tags, list) else []:
            if isinstance(tag, dict):
                key = tag.get("Key", tag.get("TagKey", tag.get("key")))
                found[str(key)] = str(tag.get("Value", tag.get("TagValue", tag.get("value", ""))))
    return found


def _lists(call: AwsCall) -> list[Any]:
    params = call.params
    specifications = [each.get("Tags") for each in params.get("TagSpecifications") or [] if isinstance(each, dict)]
    return [params.get("Tags"), params.get("tags"), *specifications]


def tag_context(call: AwsCall) -> dict[str, Any]:
    pairs = request_tags(call)
    found: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in pairs.items()}
    removed = call.params.get("TagKeys") or call.params.get("tagKeys") or []
    keys = [*pairs, *(str(key) for key in removed if isinstance(removed, list))]
    if keys:
        found["aws:TagKeys"] = keys
    if call.service == "ec2" and call.params.get("TagSpecifications"):
        found["ec2:CreateAction"] = call.operation
    return found
