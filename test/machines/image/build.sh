#!/bin/bash
# Builds the disk that every test machine boots from, with a key for ssh to it:
#
#     build.sh DIRECTORY        writes root.img, key and key.pub into it
#
# A Debian of its own, from the Debian mirror of this machine; nothing else is downloaded.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

directory=$1
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
suite=bookworm
# The disk takes only what is written to it.
disk=3G
root=$directory/root
modules=$(echo /usr/lib/uml/modules/*)
release=${modules##*/}

# The mirror that this machine's apt has for its own release; none where it is no Debian.
find_mirror() {
  # shellcheck disable=SC1091
  (
    . /etc/os-release
    # shellcheck disable=SC2016 # the dollars are apt's
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' 2>/dev/null |
      awk -v release="${VERSION_CODENAME:-}" '$1 == release && $2 == "main" { print $3; exit }'
  )
}

make_root() {
  local mirror
  mirror=$(find_mirror)
  mmdebstrap --quiet --mode=root --variant=minbase --include="$(paste -sd, "$here/packages")" \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    "$suite" "$root" ${mirror:+"$mirror"}
}

add_kernel_modules() {
  local part target=$root/lib/modules/$release
  mkdir -p "$target/kernel"
  for part in fs net lib crypto; do cp -a "$modules/kernel/$part" "$target/kernel/"; done
  cp "$modules"/modules.{builtin,builtin.modinfo,order} "$target/"
  chroot "$root" depmod "$release"
}

add_ssh() {
  ssh-keygen -q -t ed25519 -N '' -C 'test machines' -f "$directory/key"
  install -d -m 700 "$root/root/.ssh"
  install -m 600 "$directory/key.pub" "$root/root/.ssh/authorized_keys"
  printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n' >"$root/etc/ssh/sshd_config.d/machine.conf"
}

# Without udev no *.device unit appears: fstab names devices, not labels.
add_setup() {
  printf '/dev/ubda / ext4 defaults 0 0\n' >"$root/etc/fstab"
  printf '127.0.0.1 localhost\n10.9.0.1 storage\n10.9.0.2 bbb\n10.9.0.3 pilos\n10.9.0.4 bbb2\n' >"$root/etc/hosts"
  : >"$root/etc/hostname"
  # Empty, not missing: systemd then makes one, and does not take this for the first boot.
  : >"$root/etc/machine-id"
  mkdir -p "$root/srv/storage" "$root/mnt/storage"
  install -m 755 "$here/machine-setup" "$root/usr/local/sbin/"
  install -m 644 "$here/machine-setup.service" "$root/etc/systemd/system/"
  chroot "$root" systemctl --quiet enable machine-setup
  chroot "$root" systemctl --quiet disable nfs-server nfs-client.target
  # shellcheck disable=SC2046 # a list of names
  chroot "$root" systemctl --quiet mask $(cat "$here/masked-units")
}

# The accounts of BBB's packages, PILOS' web server, and the group of PILOS' documentation.
add_accounts() {
  chroot "$root" groupadd --gid 2000 pilos-spool
  chroot "$root" useradd --system --uid 997 --user-group --create-home --shell /bin/bash \
    --groups pilos-spool bigbluebutton
  chroot "$root" usermod --append --groups pilos-spool www-data
}

make_disk() {
  truncate -s "$disk" "$directory/root.img"
  mke2fs -q -F -t ext4 -E lazy_itable_init=1,lazy_journal_init=1 -d "$root" "$directory/root.img"
  rm -rf "$root"
}

make_root
add_kernel_modules
add_ssh
add_setup
add_accounts
make_disk
