#!/bin/sh
# First process of the emulated board. Two faces of one machine share /data/local/tmp:
#   ssh  a small Linux with glibc, such as a Raspberry Pi's, in /
#   adb  an Android-like root in /android: no libc, a static busybox, a real adbd with a loader of its own
export PATH=/bin:/usr/bin:/usr/sbin HOME=/root

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs -o size=70%,mode=0771,uid=2000,gid=2000 tmp /android/data/local/tmp
for folder in proc sys dev dev/pts; do
    mount --bind "/$folder" "/android/$folder"
done
mount --bind /android/data/local/tmp /data/local/tmp

for module in failover net_failover virtio_net; do
    insmod "/lib/modules/$module.ko"
done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2

name=$(sed -n 's/.*board\.name=\([a-z0-9-]*\).*/\1/p' /proc/cmdline)
hostname "${name:-board}"
printf '[ro.serialno]: [board-%s]\n[ro.boot.serialno]: [board-%s]\n' "$name" "$name" >>/android/system/etc/board/getprop.txt

dropbear -r /etc/dropbear/host_key -s -p 22 2>/dev/console
PATH=/system/bin:/bin ADBD_PORT=5555 chroot /android /bin/su shell -c /apex/adbd/run >/dev/console 2>&1 &
until grep -q ':15B3 .* 0A ' /proc/net/tcp /proc/net/tcp6; do # port 5555, listening
    usleep 50000
done
echo "board: ready after $(cut -d ' ' -f 1 /proc/uptime) s" >/dev/console
while :; do
    sleep 100000
done
