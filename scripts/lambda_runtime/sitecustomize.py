"""Gives MiniStack's functions the JSON log records of the real runtime, by that runtime's own formatter.

MiniStack starts a function without Lambda's runtime interface client, whose log handler `logging_config`
speaks of. Python imports this module at the start of every process that has its directory on PYTHONPATH.
"""

import logging
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    from awslambdaric.lambda_runtime_log_utils import JsonFormatter  # type: ignore[import-untyped]

    class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
        terminator = ""

    _handler = _Handler()
    _handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[_handler])
