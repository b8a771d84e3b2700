"""Routes of `/sandbox/*` and settings, each registered beside the rule that needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# (account or None, body) → what is answered as JSON. The account's lock is held.
Route = Callable[[str | None, dict[str, Any]], Any]
# (account or None, value) → what `settings` shows of it.
Setting = Callable[[str | None, Any], Any]
# What an answer of `settings` shows of it without having been asked.
Shown = Callable[[str | None], Any]

_routes: dict[tuple[str, str], Route] = {}
_settings: dict[str, Setting] = {}
_shown: dict[str, Shown] = {}


def route(method: str, path: str) -> Callable[[Route], Route]:
    def register(answer: Route) -> Route:
        _routes[(method, path)] = answer
        return answer

    return register


def setting(name: str, shown: Shown | None = None) -> Callable[[Setting], Setting]:
    def register(change: Setting) -> Setting:
        _settings[name] = change
        if shown is not None:
            _shown[name] = shown
        return change

    return register


def find(method: str, path: str) -> Route | None:
    return _routes.get((method, path))


def change_settings(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(body) - set(_settings))
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}; there are {', '.join(sorted(_settings))}")
    changed = {name: _settings[name](account, value) for name, value in body.items()}
    return {**{name: show(account) for name, show in _shown.items()}, **changed}
