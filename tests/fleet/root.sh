#!/bin/sh
# Builds what every host of the fleet starts from: a small Debian 12 that answers ssh, as a cloud's
# image does, and a folder with the packages that the roles install, because the hosts have no way
# to a registry. Needs root, mmdebstrap and dpkg-dev.
#
#   root.sh FOLDER      writes FOLDER/root, FOLDER/apt, FOLDER/key and FOLDER/key.pub
set -eu

folder=$1
umask 022
# Of what a cloud's image has, what the roles rely on.
image=systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,python3,python3-apt,sudo,ca-certificates,iproute2,procps
# What the roles install; ansible/roles/*/defaults have them by name.
packages='nftables unattended-upgrades logrotate nginx postgresql-15 python3-psycopg2
    python3-cryptography python3-venv rsync'

mkdir -p "$folder"
rm -rf "$folder/root" "$folder/apt" "$folder/key" "$folder/key.pub"
ssh-keygen -q -t ed25519 -N '' -C fleet -f "$folder/key"

mkdir "$folder/apt"
mmdebstrap --quiet --variant=minbase --include="$image" \
    --customize-hook="chroot \"\$1\" apt-get --quiet --yes --download-only \
        --no-install-recommends install $(echo $packages)" \
    --customize-hook="mv \"\$1\"/var/cache/apt/archives/*.deb '$folder/apt'" \
    bookworm "$folder/root.new"
(cd "$folder/apt" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null)

cd "$folder/root.new"
echo 'deb [trusted=yes] file:/srv/apt ./' >etc/apt/sources.list
mkdir -p srv/apt
rm -f etc/ssh/ssh_host_*  # each host makes its own
: >etc/machine-id
# What an image for a cloud has: an account with a key, and no password anywhere.
chroot . useradd --create-home --shell /bin/bash admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >etc/sudoers.d/admin
chmod 440 etc/sudoers.d/admin
install -d -m 700 -o 1000 -g 1000 home/admin/.ssh
install -m 600 -o 1000 -g 1000 "$folder/key.pub" home/admin/.ssh/authorized_keys
# There is no console to log in on.
ln -s /dev/null etc/systemd/system/console-getty.service
# Or the cache_valid_time of Ansible's apt takes the image's build for an update.
touch --date=@0 var/lib/apt/lists
cd "$folder" && mv root.new root
