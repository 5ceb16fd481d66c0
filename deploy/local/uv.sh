#!/bin/sh
# uv, wherever it is: the one on the path, else one in .enlace/tools, put there the first time with Python alone.
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
    # Some systems ship Python without pip; then uv's wheel is fetched with the standard library.
    if ! { "$python" -m venv "$tools" && "$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv; } \
        >/dev/null 2>&1; then
        rm -rf "$tools"
        "$python" "$here/fetch_uv.py" "$tools/bin"
    fi
fi
exec "$tools/bin/uv" "$@"
