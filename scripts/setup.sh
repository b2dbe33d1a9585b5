#!/bin/sh
# Makes .venv in the checkout with the best Python of this machine and the tools of requirements/dev.txt.
# By hand, because it runs where no tool is installed yet, not even uv.
set -eu
cd "$(dirname "$0")/.."

# The newest runtime that the module offers by default comes first: MiniStack runs the function under it.
VERSIONS="3.13 3.12 3.11 3.10"

candidates() {
    for version in $VERSIONS; do
        command -v "python$version" || true
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python 2>/dev/null || true
    done
    command -v python3 || true
}

# A name on PATH may be a shim that refuses to run, and a system's Python may lack venv: only a try tells.
usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

best_python() {
    candidates | while read -r python; do
        if usable "$python"; then echo "$python"; break; fi
    done
}

# Runs a command with its output in a file, and a line of elapsed time while it lasts.
with_progress() {
    label=$1; log=$2; shift 2
    "$@" >"$log" 2>&1 &
    pid=$!
    trap 'kill $pid 2>/dev/null; exit 130' INT TERM
    seconds=0
    while kill -0 $pid 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ -t 1 ]; then printf '\r  %s … %ss' "$label" $seconds
        elif [ $((seconds % 5)) -eq 0 ]; then echo "  $label … ${seconds}s"; fi
    done
    if [ -t 1 ]; then printf '\r\033[K'; fi
    trap - INT TERM
    if ! wait $pid; then
        tail -n 15 "$log" >&2
        echo "$label failed; the whole output is in $log. Mend that and run the same command again." >&2
        exit 1
    fi
    echo "  $label: done in ${seconds}s"
}

if ! { [ -x .venv/bin/python ] && usable .venv/bin/python; }; then
    python=$(best_python)
    if [ -z "$python" ]; then
        echo "No Python 3.10 to 3.13 with venv was found. Install one (apt-get install python3 python3-venv," >&2
        echo "brew install python@3.13 or pyenv install 3.13) and run the same command again." >&2
        exit 1
    fi
    rm -rf .venv
    "$python" -m venv .venv
    echo "  .venv: $(.venv/bin/python --version) from $python"
fi
mkdir -p .cache
with_progress "installing uv into .venv" .cache/setup-uv.log \
    .venv/bin/python -m pip install --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
with_progress "installing the developer's tools into .venv" .cache/setup.log \
    .venv/bin/python -m uv pip install --python .venv/bin/python --require-hashes --requirement requirements/dev.txt
touch .venv/.ready
