#!/bin/sh
# Print the path of a Python that really runs, or fail with one line.
#
#   tools/find_python.sh         any Python >= 3.11: 3.11 itself when there is one
#   tools/find_python.sh 3.12    that one only
#
# A name on the PATH proves nothing: the shim of a version manager may exist for a version that is
# not switched on. So each candidate is started, and must be able to make a virtual environment.
set -eu

accepted() { # accepted PYTHON: its real path when it runs, is new enough and has venv
    "$1" -c '
import sys
wanted = tuple(int(part) for part in sys.argv[1].split(".")) if sys.argv[1] else ()
assert sys.version_info >= (3, 11) and sys.version_info[: len(wanted)] == wanted
import ensurepip, venv
print(sys.executable)
' "$wanted" 2>/dev/null
}

wanted="${1:-}"
if [ -n "$wanted" ]; then names="$wanted"; else names="3.11 3.12 3.13"; fi

for name in $names; do
    accepted "python$name" && exit 0
    if command -v pyenv >/dev/null 2>&1; then
        for version in $(pyenv versions --bare 2>/dev/null | grep "^$name\." | sort -t. -k3 -n -r); do
            accepted "$(pyenv root)/versions/$version/bin/python3" && exit 0
        done
    fi
done
accepted python3 && exit 0
accepted python && exit 0

echo "no Python ${wanted:->= 3.11} with venv found: install one, or say 'make PYTHON=/path/to/python …'" >&2
exit 1
