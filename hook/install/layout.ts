/** Where the parts of an installation lie on a BBB server, or below the root directory of an image of one. */
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { quote } from '../terminal/escape.ts';

export const scriptsDirectory = '/usr/local/bigbluebutton/core/scripts';
export const installedExecutable = `${scriptsDirectory}/post_publish/pilos-post-publish`;
export const timerName = 'pilos-post-publish.timer';
export const serviceName = 'pilos-post-publish.service';
/** There as long as the Debian package is installed, also when a unit or a program of it is lost. */
export const packageNote = '/usr/share/doc/pilos-post-publish/copyright';

export interface Layout {
  /** `/`, or the directory given with `--root`. */
  root: string;
  executable: string;
  launcher: string;
  link: string;
  configuration: string;
  service: string;
  timer: string;
  /** systemd's note that the timer is enabled. */
  timerWant: string;
  logrotate: string;
}

/** Throws when BBB is not there (69), or `root` is no directory (64). */
export function findLayout(root: string): Layout {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ExpectedError(`--root ${quote(root)} is not a directory`, {
      exitStatus: EXIT.usage,
      fix: 'give the root directory of a file system that BBB is installed in',
    });
  }
  const real = realpathSync(root);
  const place = (path: string) => placeBelow(real, path);
  if (!existsSync(place(`${scriptsDirectory}/`))) {
    throw new ExpectedError(`BBB's recording scripts are not here: ${join(real, scriptsDirectory)}`, {
      exitStatus: EXIT.unavailable,
      fix: 'install on the server that publishes recordings, after its package bbb-record-core',
    });
  }
  return {
    root: real,
    executable: place(installedExecutable),
    launcher: place(`${dirname(installedExecutable)}/pilos_post_publish.rb`),
    link: place('/usr/local/bin/pilos-post-publish'),
    configuration: place('/etc/bigbluebutton/recording/pilos.yml'),
    service: place(`/etc/systemd/system/${serviceName}`),
    timer: place(`/etc/systemd/system/${timerName}`),
    timerWant: place(`/etc/systemd/system/timers.target.wants/${timerName}`),
    logrotate: place('/etc/logrotate.d/pilos-post-publish'),
  };
}

/** The Debian package and this program would remove each other's files. */
export function refusePackaged({ root }: Layout, fix: string): void {
  if (!existsSync(placeBelow(root, packageNote))) return;
  throw new ExpectedError('the Debian package pilos-post-publish is installed', {
    exitStatus: EXIT.config,
    fix,
  });
}

/**
 * The path that a process with this root directory means: a symbolic link in a directory of it, such as
 * `/usr/local/bigbluebutton -> /opt/bbb`, stays inside. The last part is not followed.
 */
export function placeBelow(root: string, path: string): string {
  const waiting = dirname(path).split('/').filter(Boolean);
  let place = root;
  for (let followed = 0; waiting.length > 0; ) {
    const name = waiting.shift() ?? '';
    if (name === '..') place = place === root ? root : dirname(place);
    if (name === '.' || name === '..') continue;
    const next = join(place, name);
    const target = readLink(next);
    if (target === undefined) {
      place = next;
      continue;
    }
    followed += 1;
    if (followed > 40) {
      throw new ExpectedError(`${next} is a loop of symbolic links`, {
        exitStatus: EXIT.data,
        fix: 'remove the loop',
      });
    }
    waiting.unshift(...target.split('/').filter(Boolean));
    if (target.startsWith('/')) place = root;
  }
  return join(place, path.endsWith('/') ? '' : basename(path));
}

function readLink(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
