"""What AWS does and moto does not: rules by operation, around moto's own answer.

A `before` rule may refuse (AwsError), change the request, or answer itself (Reply); an `after` rule
sees moto's reply and may answer in its place. Each file names the documentation that it follows.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ..aws_call import AwsCall
from ..wire import Reply

Before = Callable[[AwsCall], Reply | dict[str, Any] | None]
After = Callable[[AwsCall, Reply], Reply | dict[str, Any] | None]

_before: dict[str, list[Before]] = defaultdict(list)
_after: dict[str, list[After]] = defaultdict(list)
# What each account's rules remember besides moto: (account, name) → anything.
_memory: dict[tuple[str, str], Any] = {}


def before(service: str, *operations: str) -> Callable[[Before], Before]:
    """`operations` may be `*`: every operation of the service."""

    def register(rule: Before) -> Before:
        for operation in operations:
            _before[f"{service}:{operation}"].append(rule)
        return rule

    return register


def after(service: str, *operations: str) -> Callable[[After], After]:
    def register(rule: After) -> After:
        for operation in operations:
            _after[f"{service}:{operation}"].append(rule)
        return rule

    return register


def has_rule(name: str) -> bool:
    """Whether a rule of ours looks at this operation, as `service:Operation`, before moto."""
    return name in _before


def load_all(sessions: Any, bucket_name_busy_s: float) -> None:
    """Imports every rule file; importing one registers its rules."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    from . import s3_buckets, sts

    sts.registry.sessions = sessions
    s3_buckets.settings.name_busy_s = bucket_name_busy_s


def run_before(call: AwsCall) -> Reply | None:
    for rule in _before.get(f"{call.service}:*", []) + _before.get(call.name, []):
        answer = rule(call)
        if answer is not None:
            return answer if isinstance(answer, Reply) else call.answer(answer)
    return None


def run_after(call: AwsCall, reply: Reply) -> Reply:
    for rule in _after.get(call.name, []) + _after.get(f"{call.service}:*", []):
        answer = rule(call, reply)
        if answer is not None:
            reply = answer if isinstance(answer, Reply) else call.answer(answer)
    return reply


def memory(account: str, name: str, new: Callable[[], Any] = dict) -> Any:
    """A store that lives as long as the account does."""
    key = (account, name)
    if key not in _memory:
        _memory[key] = new()
    return _memory[key]


def forget(account: str | None) -> None:
    for key in [key for key in list(_memory) if account is None or key[0] == account]:
        _memory.pop(key, None)
