"""moto makes AWS's 1,159 images, a volume and a snapshot for each, when an account first uses EC2: a quarter of a second
that every test would pay. Here they are made when somebody first asks for an image.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import moto.ec2.utils
from moto.ec2.models.amis import AmiBackend


class Images(dict[str, Any]):
    """Filled at its first use."""

    load: Callable[[], None] | None = None

    def filled(self) -> Images:
        load, self.load = self.load, None
        if load is not None:
            load()
        return self

    def __missing__(self, key: str) -> Any:
        if self.load is None:
            raise KeyError(key)
        return self.filled()[key]

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self.filled(), key)

    def __iter__(self) -> Any:
        return dict.__iter__(self.filled())

    def __len__(self) -> int:
        return dict.__len__(self.filled())

    def get(self, key: str, default: Any = None) -> Any:
        return dict.get(self.filled(), key, default)

    def keys(self) -> Any:
        return dict.keys(self.filled())

    def values(self) -> Any:
        return dict.values(self.filled())

    def items(self) -> Any:
        return dict.items(self.filled())

    def copy(self) -> dict[str, Any]:
        return dict.copy(self.filled())

    def pop(self, *arguments: Any) -> Any:
        return dict.pop(self.filled(), *arguments)


def _load_when_asked() -> None:
    def __init__(self: Any) -> None:
        self.amis = Images()
        self.amis.load = self._load_amis
        self.deleted_amis = []

    AmiBackend.__init__ = __init__  # type: ignore[method-assign]
    # The ids of all these, one draw each instead of one a digit.
    moto.ec2.utils.random_resource_id = lambda size=8: f"{random.getrandbits(4 * size):0{size}x}"


_load_when_asked()
