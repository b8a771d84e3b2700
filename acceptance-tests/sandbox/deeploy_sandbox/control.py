"""`/sandbox/*`: what tests ask of the sandbox itself."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from . import durations, moto_bridge, routes, rules, world
from . import reach as reach  # brings its route along
from .routes import setting
from .wire import HttpRequest, Reply, json_reply

if TYPE_CHECKING:
    from .sandbox import Sandbox


class Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        setting("latency_ms", shown=lambda account: sandbox.latency_s * 1000.0)(self._set_latency)

    def handle(self, request: HttpRequest) -> Reply:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        account = query.get("account") or None
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError as error:
            return json_reply({"error": f"the body is not JSON: {error}"}, 400)
        route = (request.method, request.path.removeprefix("/sandbox/").strip("/"))
        try:
            return json_reply(self._answer(route, account, body, query))
        except (KeyError, TypeError, ValueError) as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 400)
        except Exception as error:
            traceback.print_exc()
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 500)

    def _answer(self, route: tuple[str, str], account: str | None, body: Any, query: dict[str, str]) -> Any:
        sandbox = self.sandbox
        if route == ("GET", "calls"):
            return sandbox.journal.of(account)
        if route == ("GET", "world"):
            accounts = [account] if account else sorted(moto_bridge.accounts())
            found = []
            for each in accounts:
                with sandbox.lock(each):
                    found += world.objects(each)
            return found
        if route == ("GET", "unsupported"):
            return [row for row in sandbox.unsupported if account in (None, row["account"])]
        if route == ("POST", "reset"):
            return self._reset(account)
        if route == ("GET", "faults"):
            return sandbox.chaos.shown(account)
        if route == ("POST", "faults"):
            if account is None:
                raise ValueError("which account?")
            sandbox.chaos.replace(account, body or [])
            return sandbox.chaos.shown(account)
        if route == ("POST", "evaluate"):
            from .evaluate import evaluate_request

            with sandbox.lock(str(body.get("account", ""))):
                return evaluate_request(body)
        if route == ("POST", "settings"):
            return self._change_settings(body or {}, account)
        if route == ("GET", "health"):
            return {"ok": True}
        found = routes.find(*route)
        if found is not None:
            account = account or (body or {}).get("account")
            with sandbox.lock(str(account or "")):
                return found(account, body or {})
        raise ValueError(f"no such route: {route[0]} /sandbox/{route[1]}")

    def _set_latency(self, account: str | None, milliseconds: float) -> float:
        self.sandbox.latency_s = float(milliseconds) / 1000.0
        return self.sandbox.latency_s * 1000.0

    def _change_settings(self, body: dict[str, Any], account: str | None) -> dict[str, Any]:
        with self.sandbox.lock(account or ""):
            return routes.change_settings(account, body)

    def _reset(self, account: str | None) -> dict[str, Any]:
        sandbox = self.sandbox
        accounts = [account] if account else sorted(moto_bridge.accounts())
        for each in accounts:
            with sandbox.lock(each):
                moto_bridge.clear_account(each)
                rules.forget(each)
        durations.clock.forget(account)
        if account is None:
            rules.forget(None)
        sandbox.sessions.clear(account)
        sandbox.journal.clear(account)
        sandbox.chaos.clear(account)
        sandbox.unsupported = [row for row in sandbox.unsupported if account and row["account"] != account]
        return {"reset": accounts}
