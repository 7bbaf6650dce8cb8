#!/bin/sh
# For a PILOS that BBB servers cannot reach: fetches archives from the spools on the BBB servers into PILOS' own.
# docs/pull.md explains it. PILOS runs it before each import (RECORDING_IMPORT_BEFORE_HOOK), or cron every minute.
#
# An archive stays on its BBB server until PILOS has taken it. What PILOS could not import goes to failed/ there. So
# the BBB server knows what became of each.
set -u

# PILOS' spool, as this script sees it.
spool=${PILOS_SPOOL:-/var/www/html/storage/recordings-spool}
# One [USER@]HOST:DIRECTORY/ for each BBB server. With rrsync in authorized_keys, HOST:/ is the directory that stands there.
servers=${BBB_SPOOLS:-bbb1:/ bbb2:/}

export RSYNC_RSH="${RSYNC_RSH:-ssh -o BatchMode=yes -o ConnectTimeout=15}"
# Times are compared as rsync prints them.
export LC_ALL=C TZ=UTC
state=$spool/.pulled
empty=$state/empty

# Removes names from a BBB server's spool, or with --backup-dir=failed moves them to failed/ in it.
remove() { # SERVER NAMES OPTION...
  from=$1 names=$2
  shift 2
  for name in $names; do set -- "$@" "--include=/$name"; done
  rsync --recursive --delete "$@" '--exclude=*' -- "$empty/" "$from"
}

pull() { # SERVER
  server=$1
  fetched=$state/$(printf %s "$server" | tr -c 'A-Za-z0-9.@-' _)
  mkdir -p "$fetched" || return
  rsync --list-only '--exclude=*/' '--include=*.tar' '--exclude=*' -- "$server" >"$state/list" || return
  imported='' refused='' result=0
  while read -r _ size date time name; do
    case $name in '' | .* | *[!A-Za-z0-9._-]*) continue ;; esac
    # PILOS has not taken it yet.
    [ -e "$spool/$name" ] && continue
    if [ "$size $date $time" != "$(cat "$fetched/$name" 2>/dev/null)" ]; then
      # rsync gives it its name when it is complete. Noted afterwards: at worst it is fetched twice, and PILOS drops that.
      rsync --times -- "$server$name" "$spool/" </dev/null && echo "$size $date $time" >"$fetched/$name" || result=1
    elif [ "$(date -r "$spool/failed/$name" '+%Y/%m/%d %H:%M:%S' 2>/dev/null)" = "$date $time" ]; then
      refused="$refused $name"
    else
      imported="$imported $name"
    fi
  done <"$state/list"
  # The names have none of the characters that a shell would expand.
  # shellcheck disable=SC2086
  {
    [ -z "$refused" ] || remove "$server" "$refused" --backup --backup-dir=failed || return
    [ -z "$imported" ] || remove "$server" "$imported" || return
    (cd "$fetched" && rm -f -- $refused $imported)
  }
  return "$result"
}

mkdir -p "$empty" || exit
# One at a time; a long transfer does not hold up what the next call would find.
exec 9>"$state/lock"
flock --nonblock 9 || exit 0
status=0
for one in $servers; do pull "$one" || status=1; done
exit "$status"
