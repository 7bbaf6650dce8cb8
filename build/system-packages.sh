#!/bin/sh
# Checks that the programs which a target needs are there, and installs the Debian packages of those that
# are not. Without root it prints the command that does. Says nothing when nothing is missing.
#
#     build/system-packages.sh GROUP...        build, release, release-test, test, lint, demo, fleet, machines, bench, deb
set -eu

# Where Debian keeps sshd, losetup and others, for users whose PATH lacks it.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d
missing=

# need PACKAGE COMMAND...: each of the commands, or else that package.
need() {
  package=$1
  shift
  for command; do
    command -v "$command" >/dev/null 2>&1 || add "$package"
  done
}

add() {
  case " $missing " in
    *" $1 "*) ;;
    *) missing="$missing $1" ;;
  esac
}

need_php() {
  php -r 'exit(class_exists("PharData") ? 0 : 1);' >/dev/null 2>&1 || add php-cli
  php -r 'exit(extension_loaded("simplexml") ? 0 : 1);' >/dev/null 2>&1 || add php-xml
}

# need_gem NAME...: gems of Debian's packages ruby-NAME.
need_gem() {
  for gem; do
    ruby -e "require '$gem'" >/dev/null 2>&1 || add "ruby-$gem"
  done
}

# GNU strip knows only the architectures that it was built for.
need_foreign_strip() {
  case $(uname -m) in
    x86_64) need binutils-aarch64-linux-gnu aarch64-linux-gnu-strip ;;
    *) need binutils-x86-64-linux-gnu x86_64-linux-gnu-strip ;;
  esac
}

# Its server is not on the PATH: there may be several versions.
need_postgresql() {
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || add postgresql
  need postgresql-client psql
}

need_deb() {
  need debhelper dh_installsystemd
  need help2man help2man
}

check_group() {
  case $1 in
    build) need binutils strip ;;
    release) need_foreign_strip ;;
    release-test)
      need mmdebstrap mmdebstrap
      need arch-test arch-test
      need qemu-user-static qemu-aarch64-static qemu-x86_64-static
      need mount mount
      need util-linux unshare flock
      ;;
    test)
      need_php
      need ruby ruby
      need rsync rsync rrsync
      need python3 python3
      need openssh-server sshd
      need openssh-client ssh ssh-keygen
      need tar tar
      need libarchive-tools bsdtar
      need strace strace
      need e2fsprogs mkfs.ext4 chattr
      need mount losetup mount
      need util-linux unshare nsenter setpriv prlimit
      need hostname hostname
      need bsdutils script
      need passwd useradd
      need iproute2 ip tc
      need nftables nft
      need libxml2-utils xmllint
      need fuse3 fusermount3
      need bindfs bindfs
      need procps ps
      need faketime faketime
      need groff-base groff
      need man-db man
      need mandoc mandoc
      need zsh zsh
      need_deb
      need lintian lintian
      need mmdebstrap mmdebstrap
      need logrotate logrotate
      need systemd systemd-analyze
      need curl curl
      need_postgresql
      need prometheus prometheus promtool
      need prometheus-node-exporter prometheus-node-exporter
      need_foreign_strip
      need shellcheck shellcheck
      ;;
    lint)
      need shellcheck shellcheck
      need ruby ruby
      ;;
    demo)
      need_php
      need ruby ruby
      ;;
    fleet)
      need_php
      need ruby ruby
      need rsync rsync rrsync
      need openssh-server sshd
      need openssh-client ssh ssh-keygen
      need iproute2 ip
      need util-linux unshare nsenter setpriv
      need mount losetup mount
      need e2fsprogs mkfs.ext4
      need hostname hostname
      ;;
    machines)
      need user-mode-linux linux.uml
      need mmdebstrap mmdebstrap
      need e2fsprogs mke2fs
      need iproute2 ip tc
      need openssh-client ssh ssh-keygen
      need util-linux unshare nsenter flock setpriv
      need_deb
      ;;
    bench)
      need ruby ruby
      need_gem nokogiri redis builder
      need python3 python3
      need openssh-server sshd
      need openssh-client ssh ssh-keygen
      need rsync rsync
      need tar tar
      ;;
    deb)
      need_deb
      need_foreign_strip
      ;;
    *)
      echo "system-packages.sh: no group '$1'" >&2
      exit 64
      ;;
  esac
}

check_groups() {
  missing=
  for group; do
    check_group "$group"
  done
}

# A package that brings a service starts it when installed, unless this file forbids it. An sshd of its own
# is not what somebody who types `make test` asks for.
forbid_services() {
  [ ! -e "$policy" ] || return 0
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

# Packages may need 'apt-get update' first: a fresh machine's lists are empty or old.
install_missing() {
  log=$(mktemp)
  forbid_services
  echo "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of package names
  if ! { apt-get update && apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends $missing; } \
    >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    exit 69
  fi
  rm -f "$log"
}

# A mount in a namespace of its own: root alone may, and not in a chroot whose root directory is no mount point.
require_mounts() {
  ! reason=$(unshare --mount true 2>&1) || return 0
  echo "The tests cannot mount anything of their own here ($reason): they need root in a virtual machine, a privileged container, or a chroot into a mount point (mount --bind DIR DIR)." >&2
  exit 69
}

# Last: unshare itself may have been missing.
finish() {
  case " $* " in
    *" test "* | *" fleet "* | *" machines "*) require_mounts ;;
  esac
  exit 0
}

check_groups "$@"
[ -n "$missing" ] || finish "$@"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Programs are missing. This installs them, then try again:" >&2
  echo "    sudo apt-get install$missing" >&2
  exit 69
fi
install_missing
check_groups "$@"
if [ -n "$missing" ]; then
  echo "Installed, and yet programs of these packages are missing:$missing" >&2
  exit 69
fi
finish "$@"
