#!/bin/sh
# A switch on this machine's datapath with two instances, a client and a server, and a zone for each one's connections.
# Prints what it finds, as NAME=VALUE.  Usage: zones.sh PYTHON DATAPATH-TYPE
# Needs mount, network and pid namespaces of its own.
set -e
python=$1 datapath=$2
mount -t tmpfs tmpfs /run
mkdir /run/openvswitch
cd /run/openvswitch
own="--pidfile --detach --no-chdir -vconsole:off"
ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server conf.db --remote=punix:/run/openvswitch/db.sock $own --log-file=/run/openvswitch/db.log
ovs-vsctl --no-wait init
ovs-vswitchd unix:/run/openvswitch/db.sock $own --log-file=/run/openvswitch/vswitchd.log
cd - >/run/cd
ovs-vsctl add-br br-zones -- set Bridge br-zones "datapath_type=$datapath" fail_mode=secure
number=0
for name in client server; do
    number=$((number + 1))
    ip netns add $name
    ip link add $name type veth peer name eth0 netns $name
    ip link set $name up
    ip -n $name address add 10.0.0.$number/24 dev eth0
    ip -n $name link set eth0 up
    [ "$datapath" = system ] || ip netns exec $name ethtool -K eth0 tx off >/run/ethtool 2>&1
    ovs-vsctl add-port br-zones $name -- set Interface $name ofport_request=$number
done

# Table 1 is behind the sender's zone, which lets everything out. Table 2 is behind the receiver's, where the connection's
# first packet decides for all of them: the client may ping, and connect to port 81.
ovs-ofctl -O OpenFlow14 add-flows br-zones - <<'FLOWS'
table=0,arp actions=NORMAL
table=0,ip,in_port=1 actions=load:2->NXM_NX_REG2[],ct(zone=NXM_OF_IN_PORT[],table=1)
table=0,ip,in_port=2 actions=load:1->NXM_NX_REG2[],ct(zone=NXM_OF_IN_PORT[],table=1)
table=1,ip,ct_state=+trk-inv actions=ct(commit,zone=NXM_OF_IN_PORT[]),ct(zone=NXM_NX_REG2[0..15],table=2)
table=2,priority=2,icmp,ct_state=+trk-inv+rel-rpl actions=output:NXM_NX_REG2[]
table=2,priority=1,ip,ct_state=+trk-inv,ct_nw_src=10.0.0.1,ct_nw_proto=1 actions=ct(commit,zone=NXM_NX_REG2[0..15]),output:NXM_NX_REG2[]
table=2,priority=1,ip,ct_state=+trk-inv,ct_nw_src=10.0.0.1,ct_nw_proto=6,ct_tp_dst=81 actions=ct(commit,zone=NXM_NX_REG2[0..15]),output:NXM_NX_REG2[]
FLOWS

ip netns exec server "$python" -c '
import selectors, socket
waiting = selectors.DefaultSelector()
for port in (81, 82):
    waiting.register(socket.create_server(("10.0.0.2", port)), selectors.EVENT_READ)
errors = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
waiting.register(errors, selectors.EVENT_READ)
open("/run/listens", "w").close()
while True:
    for key, _ in waiting.select():
        if key.fileobj is not errors:
            key.fileobj.accept()[0].close()
        elif errors.recv(100)[20] == 3:
            print("error", file=open("/run/errors", "a"), flush=True)
' &
until [ -e /run/listens ]; do sleep 0.05; done
touch /run/errors

in_client() { ip netns exec client "$@"; }
connects() {  # connects PORT: how many of 4 succeed
    in_client "$python" -c '
import socket, sys
done = 0
for _ in range(4):
    try:
        socket.create_connection(("10.0.0.2", int(sys.argv[1])), float(sys.argv[2])).close()
        done += 1
    except OSError:
        pass
print(done)' "$1" "$2"
}
echo "pings=$(in_client ping -c 3 -i 0.2 -W 5 10.0.0.2 | sed -n 's/.* \([0-9]*\) received.*/\1/p')"
echo "allowed=$(connects 81 5)"
echo "zones=$(ovs-appctl dpctl/dump-conntrack | sed -n 's/.*,zone=\([0-9]*\).*/\1/p' | sort -u | xargs)"
in_client "$python" -c '
from scapy.all import ICMP, IP, TCP, L3RawSocket, conf, send
import socket, subprocess
conf.L3socket = L3RawSocket
with socket.create_connection(("10.0.0.2", 81)) as open_one:
    answer = IP(src="10.0.0.2", dst="10.0.0.1") / TCP(sport=81, dport=open_one.getsockname()[1])
    # So that the errors themselves are what new cached flows are made of.
    subprocess.run(["ovs-appctl", "revalidator/purge"], check=True)
    for code in (4, 3):
        send(IP(src="10.0.0.1", dst="10.0.0.2") / ICMP(type=3, code=code, nexthopmtu=1400) / answer, count=2, verbose=False)
'
echo "refused=$(connects 82 0.5)"
echo "still_allowed=$(connects 81 5)"
echo "errors=$(wc -l </run/errors)"
ovs-appctl --timeout=20 exit --cleanup
ovs-appctl --timeout=20 --target=ovsdb-server exit
