"""Routes of `/sandbox/*` and settings that rules bring along, each beside the rule that needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# (account or None, body) → what is answered as JSON. The account's lock is held.
Route = Callable[[str | None, dict[str, Any]], Any]
# (account or None, value) → what GET-like answers of `settings` show.
Setting = Callable[[str | None, Any], Any]

_routes: dict[tuple[str, str], Route] = {}
_settings: dict[str, Setting] = {}


def route(method: str, path: str) -> Callable[[Route], Route]:
    def register(answer: Route) -> Route:
        _routes[(method, path)] = answer
        return answer

    return register


def setting(name: str) -> Callable[[Setting], Setting]:
    def register(change: Setting) -> Setting:
        _settings[name] = change
        return change

    return register


def find(method: str, path: str) -> Route | None:
    return _routes.get((method, path))


def change_settings(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """Carries out the settings that are registered here; others are the caller's."""
    return {name: _settings[name](account, value) for name, value in body.items() if name in _settings}
