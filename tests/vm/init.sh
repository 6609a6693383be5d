#!/bin/sh
# Process 1 of the virtual machine. Its root is the machine's own files, read-only; what it writes is in memory.
# Kernel parameters that the kernel does not know arrive here as variables: VM_DIR is the host part's directory.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
for directory in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs "$directory"; done

# From here on the console: tty1 is what the host part connects to its own input and output.
exec </dev/tty1 >/dev/tty1 2>&1
[ "$VM_CONSOLE" = terminal ] || stty -opost

mkdir /run/vm
mount -t hostfs -o "$VM_DIR" none /run/vm
# What lies in the directories just covered (a clone in /tmp, say) is shown again.
while read -r mode directory; do
    [ -e "$directory" ] && [ "$mode" = ro ] && continue
    mkdir -p "$directory" && mount -t hostfs -o "$mode,$directory" none "$directory"
done </run/vm/directories

chmod 666 /dev/net/tun
ip link set lo up

# ovs-vswitchd counts the processors at most every 10 seconds of uptime. One that starts before that counts none,
# makes no threads, and loses every packet that the kernel hands up.
while [ "$(cut -d. -f1 /proc/uptime)" -lt 12 ]; do sleep 0.2; done

finish() {
    echo "$1" >/run/vm/status
    sleep 0.5 # for the last of the output
    echo o >/proc/sysrq-trigger
    sleep 60
}
if [ "$VM_CONSOLE" = terminal ]; then
    setsid --ctty --wait sh /run/vm/command
    finish $?
else
    # Through a pipe, for the command to see what it would see outside. What it leaves running may keep that open.
    { sh /run/vm/command </dev/null 2>&1; finish $?; } | cat
fi
