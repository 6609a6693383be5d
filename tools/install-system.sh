#!/bin/sh
# Installs the Debian packages that the lab and the tests need, and says which command would when it cannot.
# Usage: install-system.sh [kernel|bench], with "kernel" what building the virtual machine's kernel needs too, with "bench"
# what the benchmarks do.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"

missing=""
need() {  # need PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need_file() {  # need_file PATH PACKAGE
    [ -e "$1" ] || missing="$missing $2"
}
need ovs-vswitchd openvswitch-switch
need ovs-ofctl openvswitch-common
need ip iproute2
need nft nftables
need ethtool ethtool
need ping iputils-ping
need arping iputils-arping
need tcpdump tcpdump
need iperf3 iperf3
need traceroute traceroute
need mtr mtr-tiny
need unshare util-linux
need ps procps
need mn mininet
if [ "${1:-}" = kernel ]; then
    for program in gcc make flex bison bc; do need $program $program; done
    need ld binutils
    need xz xz-utils
    need_file /usr/include/stdlib.h libc6-dev
    need_file /usr/src/linux-source-6.1.tar.xz linux-source-6.1
fi
if [ "${1:-}" = bench ]; then
    need ovn-northd ovn-central
    need ovn-controller ovn-host
    export RUNLEVEL=1  # the benchmarks start OVN themselves: the packages shall not (invoke-rc.d(8))
fi
if [ "${1:-}" = docs ]; then  # what the pictures of generated pages are drawn with
    need dot graphviz
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1; then
    sudo="sudo"
else
    echo "Missing packages. Run as root: apt-get install$missing" >&2
    exit 1
fi
echo "Installing$missing"
log=$(mktemp)
if ! { $sudo apt-get update &&
       $sudo env ${RUNLEVEL:+RUNLEVEL=$RUNLEVEL} DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1
then
    tail -n 20 "$log" >&2
    echo "Could not install packages. The command that would: ${sudo:+sudo }apt-get install$missing" >&2
    exit 1
fi
rm -f "$log"
