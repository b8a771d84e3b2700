"""An account's EC2 settings in a Region: EC2 user guide, "Enable Amazon EBS encryption by default", "Configure instance
metadata options for new instances" (account level: what was not set has no value); and its instance types.
"""

from __future__ import annotations

import inspect
from typing import Any

from moto.ec2.models.elastic_block_store import EBSBackend, VolumeAttachment
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before, memory
from .ec2_lists import invalid, listed

METADATA = {
    "HttpTokens": ("optional", "required", "no-preference"),
    "HttpEndpoint": ("enabled", "disabled", "no-preference"),
    "InstanceMetadataTags": ("enabled", "disabled", "no-preference"),
    "HttpTokensEnforced": ("enabled", "disabled", "no-preference"),
}


def _encrypt_by_default() -> None:
    """New volumes are encrypted where the account says so, also those of instances."""
    make = EBSBackend.create_volume
    order = list(inspect.signature(make).parameters)[1:]

    def create_volume(self: Any, *arguments: Any, **named: Any) -> Any:
        given = {**dict(zip(order, arguments, strict=False)), **named}
        # moto makes volumes while it makes the account, before its settings.
        if getattr(self, "ebs_encryption_by_default", False):
            given["encrypted"] = True
            given["kms_key_id"] = given.get("kms_key_id") or memory(self.account_id, "ebs default key").get(self.region_name)
        return make(self, **given)

    EBSBackend.create_volume = create_volume  # type: ignore[method-assign]


def _snapshots_keep_the_key() -> None:
    """EBS user guide, "Amazon EBS encryption": a snapshot of an encrypted volume is encrypted with its key."""
    make = EBSBackend.create_snapshot

    def create_snapshot(self: Any, *arguments: Any, **named: Any) -> Any:
        snapshot = make(self, *arguments, **named)
        snapshot.kms_key_id = snapshot.volume.kms_key_id
        return snapshot

    EBSBackend.create_snapshot = create_snapshot  # type: ignore[method-assign]


def _goes_with_its_instance(attachment: Any) -> bool:
    """DescribeVolumes tells it as DescribeInstances does; moto leaves it out."""
    devices = attachment.instance.block_device_mapping
    device = next((each for each in devices.values() if each.volume_id == attachment.volume_id), None)
    return bool(device and device.delete_on_termination)


VolumeAttachment.delete_on_termination = property(_goes_with_its_instance)  # type: ignore[attr-defined]


_encrypt_by_default()
_snapshots_keep_the_key()


def _metadata(call: AwsCall) -> dict[str, Any]:
    return memory(call.account, "ec2 metadata defaults").setdefault(call.region, {})  # type: ignore[no-any-return]


@before("ec2", "GetInstanceMetadataDefaults")
def _get(call: AwsCall) -> dict[str, Any]:
    return {"AccountLevel": {"ManagedBy": "account", **_metadata(call)}}


@before("ec2", "ModifyInstanceMetadataDefaults")
def _modify(call: AwsCall) -> dict[str, Any]:
    defaults = _metadata(call)
    for name, allowed in METADATA.items():
        value = call.params.get(name)
        if value is None:
            continue
        if value not in allowed:
            raise invalid(f"Value ({value}) for parameter {name} is invalid.")
        defaults.pop(name, None)
        if value != "no-preference":
            defaults[name] = value
    hops = call.params.get("HttpPutResponseHopLimit")
    if hops is not None:
        if int(hops) != -1 and not 1 <= int(hops) <= 64:
            raise invalid(f"Value ({hops}) for parameter HttpPutResponseHopLimit is invalid. Valid values are between 1 and 64, or -1.")
        defaults.pop("HttpPutResponseHopLimit", None)
        if int(hops) != -1:
            defaults["HttpPutResponseHopLimit"] = int(hops)
    return {"Return": True}


def _key(call: AwsCall) -> dict[str, str]:
    return memory(call.account, "ebs default key")  # type: ignore[no-any-return]


@before("ec2", "GetEbsDefaultKmsKeyId", "ResetEbsDefaultKmsKeyId")
def _default_key(call: AwsCall) -> dict[str, Any]:
    if call.operation.startswith("Reset"):
        _key(call).pop(call.region, None)
    return {"KmsKeyId": _key(call).get(call.region, "alias/aws/ebs")}


@before("ec2", "ModifyEbsDefaultKmsKeyId")
def _set_default_key(call: AwsCall) -> dict[str, Any]:
    if not call.params.get("KmsKeyId"):
        raise AwsError("MissingParameter", "The request must contain the parameter KmsKeyId")
    _key(call)[call.region] = call.text("KmsKeyId")
    return {"KmsKeyId": call.text("KmsKeyId")}


@before("ec2", "DescribeInstanceTypeOfferings")
def _offerings(call: AwsCall) -> Reply:
    kind = call.text("LocationType", "region")
    if kind not in INSTANCE_TYPE_OFFERINGS:
        raise invalid(f"Value ({kind}) for parameter locationType is invalid.")
    # A thousand rows a zone: look only at those that can match.
    asked = [value for each in call.params.get("Filters") or [] if each.get("Name") == "instance-type" for value in each.get("Values") or []]
    exact = set() if any("*" in value or "?" in value for value in asked) else set(asked)
    rows = [
        {"InstanceType": each["InstanceType"], "Location": each["Location"], "LocationType": kind}
        for each in INSTANCE_TYPE_OFFERINGS[kind].get(call.region, [])
        if not exact or each["InstanceType"] in exact
    ]
    filters = {"instance-type": "InstanceType", "location": "Location"}
    return listed(call, "InstanceTypeOfferings", rows, filters, id_member="InstanceType")
