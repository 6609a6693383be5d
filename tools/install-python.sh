#!/bin/sh
# Makes .venv with the pinned Python packages and this project, and says which command would help when it cannot.
set -eu
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Python 3.11 or later is needed; '$python' is not. Run: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    command="apt-get install -y python$version-venv"
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
    echo "Installing python$version-venv"
    { $sudo apt-get update && $sudo $command; } >/dev/null 2>&1 || {
        echo "Cannot make a virtual environment. The command that would help: ${sudo:+sudo }$command" >&2
        exit 1
    }
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing Python packages into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
touch .venv/done
