"""How long AWS takes to make, change and delete what isn't there at once, scaled to a test's patience.

One AWS minute is `seconds_per_minute` here: 0 (the default) is at once. It is set for each account
(`POST /sandbox/settings?account=`), or for all by `--seconds-per-minute`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .routes import setting

# AWS's minutes, from its user guides and from what users measure (shared design notes, issue 3).
AWS_MINUTES = {
    "eks:cluster:create": 10.0,
    "eks:cluster:delete": 3.0,
    "eks:cluster:version": 8.0,
    "eks:cluster:config": 2.0,
    "eks:cluster:encryption": 10.0,
    "eks:nodegroup:create": 3.0,
    # Until EKS gives up on nodes that don't join.
    "eks:nodegroup:give-up": 20.0,
    "eks:nodegroup:delete": 3.0,
    "eks:nodegroup:version": 3.0,
    "eks:nodegroup:config": 0.5,
    "eks:addon:create": 0.5,
    "eks:addon:delete": 0.5,
    "eks:addon:update": 0.5,
    "rds:db:create": 8.0,
    "rds:db:delete": 3.0,
    "rds:db:modify": 2.0,
    "rds:db:reboot": 1.0,
    "rds:db:restore": 8.0,
    "rds:db:upgrade": 10.0,
    "rds:db:stop": 3.0,
    "rds:db:start": 5.0,
    "rds:db:optimize": 30.0,
    "rds:db:key-lost": 30.0,
    "rds:snapshot:create": 1.0,
    "rds:event-subscription": 0.2,
    "ec2:nat-gateway:create": 2.0,
    "ec2:nat-gateway:delete": 1.0,
    "ec2:nat-gateway:forget": 60.0,
    "ec2:vpc-endpoint:create": 1.0,
    "ec2:vpc-endpoint:delete": 0.5,
    "ec2:vpc-endpoint:forget": 1.0,
    "ec2:vpc:create": 0.0,
    "ec2:instance:create": 0.5,
    "elbv2:load-balancer:create": 2.0,
    "elbv2:load-balancer:delete": 1.0,
}


@dataclass
class Clock:
    """Reads real time; each account has a scale."""

    default: float = 0.0
    _scales: dict[str, float] = field(default_factory=dict)

    def scale(self, account: str) -> float:
        return self._scales.get(account, self.default)

    def set(self, account: str | None, seconds_per_minute: float) -> None:
        if account is None:
            self.default = seconds_per_minute
        else:
            self._scales[account] = seconds_per_minute

    def forget(self, account: str | None) -> None:
        if account is None:
            self._scales.clear()
        else:
            self._scales.pop(account, None)


clock = Clock()


@setting("seconds_per_minute", shown=lambda account: clock.scale(account or ""))
def _set_scale(account: str | None, seconds_per_minute: float) -> float:
    clock.set(account, float(seconds_per_minute))
    return clock.scale(account or "")


@dataclass
class Span:
    """A change under way: `done()` once its AWS minutes are over. Ask whenever the object is looked at."""

    ends: float

    def done(self) -> bool:
        return time.monotonic() >= self.ends


def begin(account: str, what: str) -> Span:
    """Starts one of AWS_MINUTES for an account."""
    return Span(time.monotonic() + AWS_MINUTES[what] * clock.scale(account))
