"""Concise Binary Object Representation, RFC 8949: as much of it as Smithy's RPC v2 protocol uses."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timezone
from typing import Any

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
EPOCH_TAG = 1
DEPTH_MAX = 64
_BREAK = object()


class Malformed(ValueError):
    """Not the CBOR of one item."""


def decode(body: bytes) -> Any:
    """One item. Tag 1 is a datetime; other tags stand for their content."""
    reader = _Reader(body)
    value = reader.item(0)
    if reader.at != len(body) or value is _BREAK:
        raise Malformed("more than one item")
    return value


class _Reader:
    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def take(self, count: int) -> bytes:
        found = self.body[self.at : self.at + count]
        if len(found) != count:
            raise Malformed("the body ends within an item")
        self.at += count
        return found

    def item(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise Malformed("nested too deep")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == SIMPLE:
            return self._simple(info)
        if info == 31:
            return self._indefinite(major, depth)
        number = self._number(info)
        if major == UNSIGNED:
            return number
        if major == NEGATIVE:
            return -1 - number
        if major == BYTES:
            return self.take(number)
        if major == TEXT:
            return self.take(number).decode("utf-8")
        if major == ARRAY:
            return [self.item(depth + 1) for _ in range(number)]
        if major == MAP:
            return {self.item(depth + 1): self.item(depth + 1) for _ in range(number)}
        value = self.item(depth + 1)
        if number == EPOCH_TAG:
            return datetime.fromtimestamp(value, tz=timezone.utc)
        return value

    def _number(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise Malformed(f"reserved length {info}")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def _simple(self, info: int) -> Any:
        if info in (20, 21):
            return info == 21
        if info in (22, 23):
            return None
        if info in (25, 26, 27):
            return struct.unpack({25: ">e", 26: ">f", 27: ">d"}[info], self.take(1 << (info - 24)))[0]
        if info == 31:
            return _BREAK
        raise Malformed(f"simple value {info}")

    def _indefinite(self, major: int, depth: int) -> Any:
        items = []
        while (value := self.item(depth + 1)) is not _BREAK:
            items.append(value)
        if major == ARRAY:
            return items
        if major == MAP:
            return dict(zip(items[::2], items[1::2], strict=True))
        if major == BYTES:
            return b"".join(items)
        if major == TEXT:
            return "".join(items)
        raise Malformed("an item of this type has a length")


def encode(value: Any) -> bytes:
    """None within a map is left out, as Smithy's serializers do."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(UNSIGNED, value) if value >= 0 else _head(NEGATIVE, -1 - value)
    if isinstance(value, float):
        if math.isnan(value):
            return b"\xf9\x7e\x00"
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return _head(TAG, EPOCH_TAG) + encode(float(value.timestamp()))
    if isinstance(value, str):
        text = value.encode("utf-8")
        return _head(TEXT, len(text)) + text
    if isinstance(value, bytes | bytearray):
        return _head(BYTES, len(value)) + bytes(value)
    if isinstance(value, list | tuple):
        return _head(ARRAY, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if item is not None}
        return _head(MAP, len(kept)) + b"".join(encode(key) + encode(item) for key, item in kept.items())
    raise TypeError(f"CBOR has no {type(value).__name__} here")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for power, format in enumerate((">B", ">H", ">I", ">Q")):
        if number < 1 << (8 << power):
            return bytes([major << 5 | 24 + power]) + struct.pack(format, number)
    raise Malformed(f"{number} is too large")
