#!/usr/bin/env python3
"""What stands behind RDS's PAM for members of rds_iam: says whether a password is a token for this user of this database.

PostgreSQL asks by LDAP's simple bind, as RDS asks its own service by PAM; the client sees the same: TLS, and a password in clear text.
Checked is what AWS documents of a token ("IAM database authentication") and of Signature Version 4 for query strings: host, port and user,
the region, at most 15 minutes, the key that signed it. What AWS also checks and this does not: the right to `rds-db:connect`.

    iam.py HOST PORT REGION < '{"ACCESS_KEY_ID": "SECRET"}' LINE, then until stdin ends; prints the port that it listens on, then a line for each answer
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socketserver
import sys
import threading
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, quote

SUCCESS, INVALID_CREDENTIALS = 0, 49
GOOD_FOR = timedelta(minutes=15)
MESSAGE_BYTES_MAX = 100_000


def why_not(token: str, user: str, host: str, port: int, region: str, keys: dict[str, str]) -> str | None:
    """What is wrong with the token; None: nothing."""
    place, _, query = token.partition("/?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    signature = given.pop("X-Amz-Signature", "")
    scope = given.get("X-Amz-Credential", "").split("/")
    if place != f"{host}:{port}":
        return "it is for another host or port"
    if given.get("Action") != "connect" or given.get("DBUser") != user:
        return "it is for another user"
    if len(scope) != 5 or scope[2:] != [region, "rds-db", "aws4_request"] or given.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        return "it is for another region or service"
    if scope[0] not in keys:
        return "nobody has this access key"
    made = datetime.strptime(given.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    lasts = min(timedelta(seconds=int(given.get("X-Amz-Expires", "0"))), GOOD_FOR)
    if not made - timedelta(minutes=5) <= datetime.now(timezone.utc) < made + lasts:
        return "its time is over"
    names = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(given.items()))
    empty = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{names}\nhost:{place}\n\nhost\n{empty}"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", given["X-Amz-Date"], "/".join(scope[1:]), hashlib.sha256(request.encode()).hexdigest()])
    key = b"AWS4" + keys[scope[0]].encode()
    for part in scope[1:]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(expected, signature) else "another key has signed it"


def element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag, content and end of the BER element at this place."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    return tag, data[at : at + length], at + length


class Session(socketserver.StreamRequestHandler):
    """RFC 4511: one bind, one answer, and the unbind that has none."""

    def message(self) -> bytes:
        head = self.rfile.read(2)
        if len(head) < 2:
            return b""
        more = self.rfile.read(head[1] & 0x7F) if head[1] & 0x80 else b""
        length = int.from_bytes(more, "big") if more else head[1]
        return head + more + self.rfile.read(min(length, MESSAGE_BYTES_MAX))

    def handle(self) -> None:
        while message := self.message():
            content = element(message, 0)[1]
            _, number, at = element(content, 0)
            tag, bind, _ = element(content, at)
            if tag != 0x60:
                return
            _, _, at = element(bind, 0)
            _, name, at = element(bind, at)
            user, password = name.decode().removeprefix("user="), element(bind, at)[1].decode()
            try:
                why = self.server.check(password, user)
            except (ValueError, KeyError):
                why = "it is no token"
            print(json.dumps({"user": user, "refused": why}), flush=True)
            answer = b"\x0a\x01" + bytes([SUCCESS if why is None else INVALID_CREDENTIALS]) + b"\x04\x00\x04\x00"
            body = b"\x02" + bytes([len(number)]) + number + b"\x61" + bytes([len(answer)]) + answer
            self.wfile.write(b"\x30" + bytes([len(body)]) + body)


class Service(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main() -> None:
    host, port, region = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    keys = json.loads(sys.stdin.readline())
    service = Service(("127.0.0.1", 0), Session)
    service.check = lambda token, user: why_not(token, user, host, port, region, keys)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    print(service.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
