#!/bin/sh
# Run by own_systemd.py in new namespaces; it becomes systemd, which starts nothing by itself.
#   SPACE a folder that is not there yet · WRITTEN folders that are written to, in memory
#   CHECKOUT the project's folder · PYTHON where its interpreter is installed
set -eu

over() { # over FOLDER PLACE NAME: the folder at that place; what is written is in memory
  mkdir -p "$2" "$SPACE/$3/upper" "$SPACE/$3/work"
  mount -t overlay overlay \
    -o "lowerdir=$1,upperdir=$SPACE/$3/upper,workdir=$SPACE/$3/work" "$2"
}

mount --make-rprivate /
# The kernel's settings are everybody's.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mkdir "$SPACE"
mount -t tmpfs tmpfs "$SPACE"
for folder in $WRITTEN; do over "$folder" "$folder" "$(echo "$folder" | tr / _)"; done
over "$CHECKOUT" "$SPACE/checkout" page-tracker
mkdir "$SPACE/python"
mount --bind "$PYTHON" "$SPACE/python"
for folder in /opt /var/log /run; do mount -t tmpfs tmpfs "$folder"; done
mount --move "$SPACE" /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /run/lock /run/systemd/system

# As if scripts/setup had made it at /opt, where the service may read it.
ln -s /mnt/checkout /opt/page-tracker
venv=/mnt/checkout/.venv
grep -rlI "$CHECKOUT" "$venv"/bin "$venv"/installed* \
  "$venv"/lib/python*/site-packages/*.pth |
  xargs sed -i "s#$CHECKOUT#/opt/page-tracker#g"
ln -sf "/mnt/python/bin/$(basename "$(readlink -f "$venv/bin/python")")" "$venv/bin/python"
ln -sf python "$venv/bin/python3"
sed -i 's#^home = .*#home = /mnt/python/bin#' "$venv/pyvenv.cfg"
echo /mnt/python/lib >/etc/ld.so.conf.d/0-python.conf
ldconfig
# Root needs none.
printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
chmod 755 /usr/local/bin/sudo

for target in sysinit basic alone; do
  printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" \
    >"/run/systemd/system/$target.target"
done
echo 'Wants=systemd-journald.service' >>/run/systemd/system/alone.target
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env -i PATH="$PATH" container=test \
  /lib/systemd/systemd --system --unit=alone.target
