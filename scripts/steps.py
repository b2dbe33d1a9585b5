"""`make test`: the sessions of noxfile.py, three at a time, and a summary. Exits 1 if any failed.

`python -m scripts.steps lint unit` runs only those.

By hand, because nox says nothing between the begin and the end of a session where there is no terminal, and
neither counts at the end nor names the next step.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / ".cache" / "steps.json"
NOX = (sys.executable, "-m", "nox", "--parallel", "3")

PROGRESS_SECONDS = 15


def main(names: list[str]) -> int:
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    began = time.monotonic()
    chosen = ("--session", *names) if names else ()
    # A shell without job control has its background ignore interrupts, and nox would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen((*NOX, "--report", str(REPORT), *chosen), cwd=ROOT) as nox:
        # Ended politely, nox ends its sessions, and they what they have started.
        signal.signal(signal.SIGTERM, lambda *_: nox.send_signal(signal.SIGINT))
        while nox.poll() is None:
            try:
                nox.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                if not sys.stdout.isatty():
                    print(f"… {time.monotonic() - began:.0f} s", flush=True)
    if not REPORT.is_file():
        print("nox ended without a report: what it printed last says why")
        return nox.returncode or 1
    return summed_up(json.loads(REPORT.read_text(encoding="utf-8"))["sessions"])


def summed_up(sessions: list[dict[str, Any]]) -> int:
    """Print what to do next and how many passed; return the exit code."""
    results = {[*session["signatures"], session["name"]][0]: session["result"] for session in sessions}
    failed = [name for name, result in results.items() if result not in ("success", "skipped")]
    counts = Counter(results.values())
    for name in failed:
        print(f"failed: {name}. To run it again alone: .venv/bin/nox --session {name}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['success']} passed, {len(failed)} failed{skipped}")
    return int(bool(failed))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
