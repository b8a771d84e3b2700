"""`python -m deeploy_sandbox`: serve the sandbox on the loopback until told to stop."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading


def main() -> None:
    arguments = argparse.ArgumentParser(prog="deeploy_sandbox", description=__doc__)
    arguments.add_argument("--port", type=int, default=0, help="0: any free port")
    arguments.add_argument("--latency-ms", type=float, default=0.0, help="added to each AWS reply")
    arguments.add_argument(
        "--bucket-name-busy-s",
        type=float,
        default=0.0,
        help="how long a deleted bucket's name answers 409 OperationAborted",
    )
    arguments.add_argument(
        "--seconds-per-minute",
        type=float,
        default=0.0,
        help="how long one minute of AWS's waiting takes here; 0: nothing is waited for",
    )
    arguments.add_argument("--exit-with-stdin", action="store_true", help="stop when stdin reaches its end")
    options = arguments.parse_args()

    # Whatever moto or Flask print must not break the one line that the caller parses.
    announce = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    from .durations import clock
    from .http_server import SandboxServer
    from .sandbox import Sandbox

    clock.set(None, options.seconds_per_minute)
    sandbox = Sandbox(latency_s=options.latency_ms / 1000.0, bucket_name_busy_s=options.bucket_name_busy_s)
    server = SandboxServer(options.port, sandbox.handle)

    def stop(*_: object) -> None:
        # shutdown() waits for serve_forever(), so it may not run in the thread that serves.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if options.exit_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), stop()), daemon=True).start()

    announce.write(json.dumps({"endpoint": server.endpoint, "pid": os.getpid()}) + "\n")
    announce.flush()
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
