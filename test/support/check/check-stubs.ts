/** Stand-ins for the programs of a real server that a test machine has no use for. Each does what counts here. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BbbTree } from '../bbb/bbb-tree.ts';

/** BBB's worker is a process named like it, with the groups that the user of BBB has at this moment. */
const systemctl = (tree: BbbTree) => `#!/bin/sh
worker() {
  setpriv --reuid="$(stat -c %u ${tree.recordingDir})" --regid="$(stat -c %g ${tree.recordingDir})" --init-groups -- \\
    bash -c 'exec -a "resque-2.6.0: Waiting for rap:archive,rap:publish" sleep 600' </dev/null >/dev/null 2>&1 &
  echo $! >"$STATE/worker"
  while ! grep -q resque "/proc/$!/cmdline"; do sleep 0.02; done
}
# The state of a timer; undefined when it is not installed.
case "$*" in *pilos-post-publish-check.timer) timer="$STATE/check-timer" ;; *) timer="$STATE/timer" ;; esac
case "$*" in
  'start bbb-rap-resque-worker.service') worker ;;
  'stop bbb-rap-resque-worker.service') kill "$(cat "$STATE/worker")" 2>/dev/null; true ;;
  'restart bbb-rap-resque-worker.service') "$0" stop "$2"; worker ;;
  'show --property=LoadState,UnitFileState,ActiveState '*.timer)
    state="$(cat "$timer" 2>/dev/null)"
    case "$state" in
      '') echo LoadState=not-found; echo UnitFileState=; echo ActiveState=inactive ;;
      masked) echo LoadState=masked; echo UnitFileState=masked; echo ActiveState=inactive ;;
      failed) echo LoadState=loaded; echo UnitFileState=enabled; echo ActiveState=failed ;;
      enabled) echo LoadState=loaded; echo UnitFileState=enabled; echo ActiveState=active ;;
      *) echo LoadState=loaded; echo "UnitFileState=$state"; echo ActiveState=inactive ;;
    esac ;;
  daemon-reload) ;;
  'enable pilos-post-publish.timer '*check.timer | 'restart pilos-post-publish.timer '*check.timer)
    echo enabled >"$STATE/timer"; echo enabled >"$STATE/check-timer" ;;
  'enable --now '*.timer | 'restart '*.timer) echo enabled >"$timer" ;;
  'unmask '*.timer) echo disabled >"$timer" ;;
  *) echo "no stand-in for systemctl $*" >&2; exit 1 ;;
esac
`;

/** BBB makes again what a test has laid aside, and then calls the post publish scripts. */
const bbbRecord = (tree: BbbTree) => `#!/bin/sh
[ "$1" = --rebuild ] && [ $# -eq 2 ] || exit 64
mv "$STATE/metadata.xml" "${tree.publishedDir}/presentation/$2/"
exec ruby ${tree.postPublishDir}/pilos_post_publish.rb -m "$2" -f presentation
`;

/** Puts back what a test has taken away of a package. */
const aptGet = (tree: BbbTree) => `#!/bin/sh
case "$*" in
  *bbb-record-core) mkdir -p ${tree.postPublishDir}; cp "$STATE/bigbluebutton.yml" ${tree.bigbluebuttonYml} ;;
  'install --yes rsync python3') ln -s /usr/bin/python3 ${tree.root}/no-python/python3 ;;
  'install --yes rsync') ln -s /usr/bin/rsync ${tree.root}/no-rsync/rsync ;;
  *rsync) umount /usr/bin/rsync ;;
  *openssh-client) umount /usr/bin/ssh ;;
  *) echo "no stand-in for apt-get $*" >&2; exit 1 ;;
esac
`;

/** Writes them into a directory of their own, and returns it. */
export function writeStubs(stateDir: string, tree: BbbTree): string {
  const directory = join(stateDir, 'bin');
  mkdirSync(directory, { recursive: true });
  const stubs = { systemctl: systemctl(tree), 'apt-get': aptGet(tree), 'bbb-record': bbbRecord(tree) };
  for (const [name, text] of Object.entries(stubs)) {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o755);
  }
  copyFileSync(tree.bigbluebuttonYml, join(stateDir, 'bigbluebutton.yml'));
  return directory;
}
