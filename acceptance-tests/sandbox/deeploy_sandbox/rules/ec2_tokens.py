"""EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests": a repeated token gives the first answer
again; with other parameters it is an error. Whether tags count as parameters is not documented: here they don't.
"""

from __future__ import annotations

import json
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError
from . import memory

NOT_COMPARED = ("ClientToken", "TagSpecifications", "DryRun")


def first_answer(call: AwsCall) -> dict[str, Any] | None:
    """What the call's token was answered before, if it was."""
    if not call.token:
        return None
    known = _answers(call).get(_key(call))
    if known is None:
        return None
    parameters, answer = known
    if parameters != _parameters(call):
        raise AwsError("IdempotentParameterMismatch", f"The client token '{call.token}' was used before with other parameters.")
    return dict(answer)


def remember(call: AwsCall, answer: dict[str, Any]) -> dict[str, Any]:
    if call.token:
        _answers(call)[_key(call)] = (_parameters(call), answer)
    return answer


def _answers(call: AwsCall) -> dict[tuple[str, str, str], tuple[str, dict[str, Any]]]:
    return memory(call.account, "ec2 tokens")  # type: ignore[no-any-return]


def _key(call: AwsCall) -> tuple[str, str, str]:
    return (call.region, call.operation, str(call.token))


def _parameters(call: AwsCall) -> str:
    return json.dumps({k: v for k, v in call.params.items() if k not in NOT_COMPARED}, sort_keys=True, default=str)
