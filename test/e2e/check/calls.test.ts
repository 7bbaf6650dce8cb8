/** Each thing about BBB's call of this program is broken alone, found alone, and fixed by its fix. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckCase, itFindsAndFixes } from '../../support/check/check-case.ts';
import { createCheckScene, useScene } from '../../support/check/check-scene.ts';

const scene = useScene(createCheckScene);

const calls: CheckCase[] = [
  {
    what: "a missing directory of BBB's scripts",
    check: 'launcher',
    status: 78,
    says: /post_publish does not exist: BBB's recording scripts are not installed/,
    spoil: ({ tree }) => rmSync(tree.postPublishDir, { recursive: true }),
  },
  {
    what: "a directory of BBB's scripts that only root may enter",
    check: 'launcher',
    status: 78,
    says: /cannot read .*\/post_publish: chmod/,
    spoil: ({ sh, tree }) => sh(`chown root: ${tree.postPublishDir} && chmod 700 ${tree.postPublishDir}`),
  },
  {
    what: 'a missing launcher',
    check: 'launcher',
    status: 78,
    says: /BBB does not call this program/,
    spoil: ({ tree }) => rmSync(join(tree.postPublishDir, 'pilos_post_publish.rb')),
  },
  {
    what: 'a launcher that only root may read',
    check: 'launcher',
    status: 78,
    says: /cannot read .*\/pilos_post_publish\.rb: chmod/,
    spoil: ({ sh, tree }) =>
      sh(`cd ${tree.postPublishDir} && chown root: pilos_post_publish.rb && chmod 600 pilos_post_publish.rb`),
  },
  {
    what: "PILOS' own script in the launcher's place",
    check: 'launcher',
    status: 78,
    says: /it is PILOS' own script/,
    spoil: ({ tree }) =>
      writeFileSync(
        join(tree.postPublishDir, 'pilos_post_publish.rb'),
        "props = YAML.load_file('/etc/pilos.yml')\n",
      ),
  },
  {
    what: 'an executable that may not be run',
    check: 'executable',
    status: 78,
    says: /cannot run it/,
    spoil: ({ sh, tree }) =>
      // A copy: the file is a link to the one that this very test runs.
      sh(
        `cd ${tree.postPublishDir} && cp pilos-post-publish copy && chmod 600 copy && mv -f copy pilos-post-publish`,
      ),
  },
  {
    what: 'a missing executable',
    check: 'executable',
    status: 78,
    says: /does not exist/,
    spoil: ({ tree }) => rmSync(join(tree.postPublishDir, 'pilos-post-publish')),
  },
  {
    what: 'another version of it',
    check: 'executable',
    status: 0,
    says: /another version, 'pilos-post-publish 0\.9\.0', than this one, 'pilos-post-publish 1\./,
    spoil: ({ sh, tree }) =>
      sh(
        `cd ${tree.postPublishDir} && echo '#!/bin/sh\necho pilos-post-publish 0.9.0' > other && chmod 755 other && mv -f other pilos-post-publish`,
      ),
  },
  {
    what: "PILOS' own script under another name",
    check: 'other_scripts',
    status: 78,
    says: /every recording is sent twice: post_publish_pilos\.rb/,
    spoil: ({ tree }) => writeFileSync(join(tree.postPublishDir, 'post_publish_pilos.rb'), "'pilos.yml'\n"),
  },
  {
    what: "a copy of our own launcher under another name, beside Scalelite's script",
    check: 'other_scripts',
    status: 78,
    says: /sent twice: copy\.rb, post_publish_scalelite\.rb sends it, too/,
    spoil: ({ sh, tree }) =>
      sh(`cd ${tree.postPublishDir} && cp pilos_post_publish.rb copy.rb &&
        echo "'scalelite.yml'" > post_publish_scalelite.rb`),
  },
  {
    what: "Scalelite's script",
    check: 'other_scripts',
    status: 0,
    says: /post_publish_scalelite\.rb/,
    spoil: ({ tree }) =>
      writeFileSync(join(tree.postPublishDir, 'post_publish_scalelite.rb'), "'scalelite.yml'\n"),
  },
];

/** In this order: from the fourth one on the timer has to do all the work. */
const timers: CheckCase[] = [
  {
    what: 'a timer that is not enabled',
    check: 'timer',
    status: 0,
    says: /it is disabled: what a call could not deliver stays on this server until somebody runs deliver/,
    spoil: ({ sh, stateDir }) => sh(`echo disabled > ${stateDir}/timer`),
  },
  {
    what: 'a timer that is not installed',
    check: 'timer',
    status: 0,
    says: /it is not installed: /,
    spoil: ({ sh, stateDir }) => sh(`rm ${stateDir}/timer`),
  },
  {
    what: 'a timer that is enabled and has failed',
    check: 'timer',
    status: 78,
    says: /it is enabled, but has failed: /,
    spoil: ({ sh, stateDir }) => sh(`echo failed > ${stateDir}/timer`),
  },
  {
    what: 'a timer that is masked, though it is to do all the work,',
    check: 'timer',
    status: 78,
    says: /it is masked: /,
    spoil: ({ sh, stateDir, tree }) =>
      sh(`echo masked > ${stateDir}/timer && echo 'deliver: later' >> ${tree.pilosYml}`),
  },
  {
    what: 'a timer that is not installed, though it is to do all the work,',
    check: 'timer',
    status: 78,
    says: /it is not installed: /,
    spoil: ({ sh, stateDir }) => sh(`rm ${stateDir}/timer`),
  },
];

const checkTimers: CheckCase[] = [
  {
    what: 'a timer of check that is not enabled',
    check: 'check_timer',
    status: 0,
    says: /it is disabled: nobody hears of a problem until somebody runs check/,
    spoil: ({ sh, stateDir }) => sh(`echo disabled > ${stateDir}/check-timer`),
  },
  {
    what: 'a timer of check that is enabled and was stopped',
    check: 'check_timer',
    status: 78,
    says: /it is enabled, but does not run: nobody hears of a problem/,
    // systemctl's UnitFileState: neither stopped nor failed is said there.
    spoil: ({ sh, stateDir }) => sh(`echo static > ${stateDir}/check-timer`),
  },
];

/** In this order: in the second one nothing but that process does the work. */
const withoutSystemd: CheckCase[] = [
  {
    what: 'a server without systemd where nothing delivers again',
    check: 'timer',
    status: 0,
    says: /no 'pilos-post-publish deliver --every' runs here: .*: start '.* deliver --every 15m' beside BBB's worker/,
    spoil: ({ sh }) => sh('mv /run/systemd/system /run/systemd/away'),
    byHand: ({ sh }) => sh(startRepeated),
  },
  {
    what: 'the same where BBB only notes recordings',
    check: 'timer',
    status: 78,
    says: /no 'pilos-post-publish deliver --every' runs here: /,
    spoil: ({ sh, tree }) => sh(`${stopRepeated} && echo 'deliver: later' >> ${tree.pilosYml}`),
    byHand: ({ sh }) => sh(startRepeated),
    afterwards: ({ sh, tree }) =>
      sh(
        `sed -i '/^deliver:/d' ${tree.pilosYml} && ${stopRepeated} && mv /run/systemd/away /run/systemd/system`,
      ),
  },
];
/** And waits for the end of its first run, which would meet the recordings of what follows. */
const startRepeated = `pilos-post-publish deliver --every 1h >"$STATE/output" 2>&1 & echo $! >"$STATE/repeated"
  until grep -qE '^(nothing to deliver|[0-9]+ delivered)' "$STATE/output"; do sleep 0.05; done`;
/** And waits for its end: what nobody has waited for yet has no command line any more. */
const stopRepeated = `pid=$(cat "$STATE/repeated") && kill "$pid" &&
  while grep -q . "/proc/$pid/cmdline" 2>/dev/null; do sleep 0.05; done`;

itFindsAndFixes(scene, calls);
itFindsAndFixes(scene, withoutSystemd);
itFindsAndFixes(scene, checkTimers);
itFindsAndFixes(scene, timers);
