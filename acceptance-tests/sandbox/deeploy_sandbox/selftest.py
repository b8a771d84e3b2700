"""`python -m deeploy_sandbox.selftest`: all tests of the sandbox; the last line is `N passed, N failed`.

A file of tests is a piece of work; as many processes as there are processors take them, the longest files first.
Each process has a sandbox of its own.
"""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import sys
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Outcome:
    module: str
    run: int
    failed: int
    seconds: float
    text: str


def run_file(module: str) -> Outcome:
    started, text = time.monotonic(), io.StringIO()
    # A module that cannot be imported is one failing test to unittest; it must not hide the tests within.
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(stream=text, verbosity=0).run(suite)
    failed = len({str(test) for test, _ in result.failures + result.errors})
    passed = result.wasSuccessful() and result.testsRun > 0
    return Outcome(module, result.testsRun, max(failed, 0 if passed else 1), time.monotonic() - started, "" if passed else text.getvalue())


def main() -> int:
    sys.path.insert(0, str(ROOT))
    files = sorted((ROOT / "tests").glob("test_*.py"), key=lambda file: file.stat().st_size, reverse=True)
    modules = [f"tests.{file.stem}" for file in files]
    # Before the processes part: what is imported once is imported for all of them.
    importlib.import_module("tests.served")
    outcomes = []
    with multiprocessing.get_context("fork").Pool(min(8, os.cpu_count() or 1)) as pool:
        for outcome in pool.imap_unordered(run_file, modules):
            outcomes.append(outcome)
            print(f"{outcome.module}: {outcome.run} run, {outcome.failed} failed, {outcome.seconds:.1f} s\n{outcome.text}", end="", file=sys.stderr)
    run, failed = sum(each.run for each in outcomes), sum(each.failed for each in outcomes)
    print(f"{run - failed} passed, {failed} failed")
    return 1 if failed or not run else 0


if __name__ == "__main__":
    sys.exit(main())
