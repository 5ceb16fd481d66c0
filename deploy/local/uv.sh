#!/bin/sh
# Runs uv: the one on the path, otherwise the one in .enlace/tools. If there is none, it is installed there with Python.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../.enlace/tools

if uv --version >/dev/null 2>&1; then
    exec uv "$@"
fi
if ! "$tools/bin/uv" --version >/dev/null 2>&1; then
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3.11" >&2
        exit 1
    }
    echo "fetching uv into .enlace/tools" >&2
    rm -rf "$tools"
    # On some systems, Python has no pip or no venv. Then uv's wheel is downloaded with the standard library.
    if ! { "$python" -m venv "$tools" && "$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv; } \
        >/dev/null 2>&1; then
        rm -rf "$tools"
        "$python" "$here/fetch_uv.py" "$tools/bin"
    fi
fi
exec "$tools/bin/uv" "$@"
