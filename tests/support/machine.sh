#!/bin/bash
# The first process of a machine in namespaces of its own: an overlay over this system's files, and
# systemd. Nothing that happens there is seen outside, and all of it ends with this process.
#   unshare --mount --pid --fork --cgroup --uts --ipc --kill-child machine.sh FOLDER TREE
# FOLDER is empty; TREE is laid over the root. The network is that of outside.
set -euo pipefail
folder=$1 tree=$2
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder" -o mode=755
mkdir "$folder/upper" "$folder/work" "$folder/root"
cp -a "$tree/." "$folder/upper/"
mount -t overlay overlay "$folder/root" \
    -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work"
cd "$folder/root"

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for name in run tmp var/log dev; do
    mount -t tmpfs tmpfs "$name" -o mode=755
done
chmod 1777 tmp
# The project may lie under one of those.
project=$(cd "$(dirname "$0")/../.." && pwd)
(cd / && mkdir -p "$folder/root$project" && mount --bind -o ro "$project" "$folder/root$project")
for name in null zero full random urandom tty; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=666
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

# Nothing of the system is started but the journal and what a test asks for.
rm -rf lib/systemd/system/*.wants etc/systemd/system/*.wants
cat >etc/systemd/system/machine.target <<'END'
[Unit]
Wants=systemd-journald.service
After=systemd-journald.service
END
pivot_root . mnt
cd /
umount -l /mnt
mount --make-rshared / # as at every start; credentials come to services by it
exec env -i container=tests PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=machine.target --log-target=journal --show-status=no
