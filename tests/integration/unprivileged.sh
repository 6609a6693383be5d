#!/bin/sh
# Run a command as nobody, on a machine as distributions set it up.  Usage: unprivileged.sh DIRECTORY PYTHON COMMAND...
# Needs a mount namespace of its own.  DIRECTORY is given to nobody; PYTHON is where the interpreter lives.
set -e
directory=$1 python=$2
shift 2
chown 65534:65534 "$directory"

# udev lets everybody open /dev/net/tun; a bare container does not (TUN_MODE=600), or has none (TUN_MODE=none).
mount -t tmpfs tmpfs /dev/net
[ "${TUN_MODE:-}" = none ] || mknod -m "${TUN_MODE:-666}" /dev/net/tun c 10 200

# An interpreter in a home directory that is closed to others: show them the interpreter and nothing else of it.
if ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$python/bin"; then
    home=/$(echo "$python" | cut -d/ -f2)
    stage=$(mktemp -d)
    mount -t tmpfs -o mode=755 tmpfs "$stage"
    mkdir -p "$stage/${python#"$home"/}"
    mount --bind "$python" "$stage/${python#"$home"/}"
    mount --rbind "$stage" "$home"
    umount -l "$stage"
    rmdir "$stage"
fi
exec setpriv --reuid 65534 --regid 65534 --clear-groups env PYTHONDONTWRITEBYTECODE=1 "$@"
