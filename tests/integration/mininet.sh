#!/bin/sh
# Runs Open vSwitch as a system does, a controller with a network (none for "-"), and mn beside them.  Usage: mininet.sh PYTHON NETWORK-FILE MN-ARGUMENT...
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

mkdir /run/openvswitch
cd /run/openvswitch
own="--pidfile --detach --no-chdir -vconsole:off"
ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /run/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock $own --log-file=/run/openvswitch/db.log
ovs-vsctl --no-wait init
genl ctrl list | grep -q ovs_datapath || no_kernel=--disable-system
ovs-vswitchd unix:/run/openvswitch/db.sock $no_kernel $own --log-file=/run/openvswitch/vswitchd.log
cd - >/run/cd

controller=
if [ "$network" != - ]; then
    "$python" -m controller controller --listen 169.254.0.1:6653 >/run/controller.log 2>&1 &
    controller=$!
    # Each try of a command costs more than this.
    until grep -q listening /run/controller.log; do
        kill -0 $controller || { cat /run/*.log; exit 3; }
        sleep 0.1
    done
    "$python" -m controller apply --yes --wait 0 "$network" >/run/apply.log 2>&1 || { cat /run/*.log; exit 3; }
fi

mn --custom mininet_topos/mn.py "$@" 2>&1
status=$?
if [ -n "$controller" ]; then
    kill $controller
    wait $controller
fi
ovs-appctl --timeout=20 exit --cleanup
ovs-appctl --timeout=20 --target=ovsdb-server exit

others() { ps -o comm= -e | grep -vxE 'sh|ps|grep'; }
# What ends with mn, when that is killed, ends a little later.
for _ in $(seq 50); do others >/dev/null || break; sleep 0.1; done
echo "processes left:" $(others)
echo "links left:" $(links | grep -vxFf /run/links)
echo "files left:" $(ls -d /run/mn-* 2>/dev/null)
cat /run/*.log >&2
exit $status
