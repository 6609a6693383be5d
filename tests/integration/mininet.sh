#!/bin/sh
# Runs a controller with a network, and mn beside it.  Usage: mininet.sh PYTHON NETWORK-FILE MN-ARGUMENT...
# Needs mount, network and pid namespaces of its own, for mn cleans up by ending and removing all that looks like its
# own.  Then it tells what mn left.
python=$1 network=$2
shift 2
mount -t tmpfs tmpfs /run
# mn removes logs of anybody in /tmp: there it finds links only.
mkdir /run/tmp
mount --rbind /tmp /run/tmp
mount -t tmpfs tmpfs /tmp
ln -s /run/tmp/* /tmp/
export HOME=/run OVS_VPC_STATE=/run/state
mkdir "$OVS_VPC_STATE"
links() { ip -o link show | cut -d: -f2; }
links >/run/links
ip link set lo up
ip address add 169.254.0.1/32 dev lo

"$python" -m controller controller --listen 169.254.0.1:6653 >/run/controller.log 2>&1 &
controller=$!
until "$python" -m controller apply --wait 0 "$network" >/run/apply.log 2>&1; do
    kill -0 $controller || { cat /run/*.log; exit 3; }
    sleep 0.2
done

mn --custom mininet_topos/mn.py "$@" 2>&1
status=$?
kill $controller
wait $controller

others() { ps -o comm= -e | grep -vxE 'sh|ps|grep'; }
# What ends with mn, when that is killed, ends a little later.
for _ in $(seq 50); do others >/dev/null || break; sleep 0.1; done
echo "processes left:" $(others)
echo "links left:" $(links | grep -vxFf /run/links)
echo "files left:" $(ls -d /run/mn-* 2>/dev/null)
cat /run/controller.log >&2
exit $status
