"""EC2 API reference, "Common parameters", DryRun: the caller's rights are looked at, and nothing is done."""

from __future__ import annotations

from moto.core.utils import camelcase_to_underscores
from moto.ec2.responses import EC2Response

from ..aws_call import AwsCall
from ..wire import AwsError
from . import _before, before


@before("ec2", "*")
def _dry_run(call: AwsCall) -> None:
    if str(call.params.get("DryRun", "")).lower() != "true":
        return
    if call.name in _before or hasattr(EC2Response, camelcase_to_underscores(call.operation)):
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
