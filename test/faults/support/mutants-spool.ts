/** Mutants of the way into a mounted spool. */
import type { Mutant } from './mutants.ts';

const local = 'spool/local/local.ts';
const directory = 'spool/local/directory.ts';

export const spoolMutants: Mutant[] = [
  {
    name: 'no fsync of the archive',
    seams: [{ module: local, function: 'fsyncSync', replacement: '() => undefined' }],
    killedBy: 'power loss right after exit 0',
    finding: /cannot import|is not there/,
  },
  {
    name: 'the error of an early sync is ignored',
    seams: [
      {
        module: 'spool/local/write-behind.ts',
        function: 'promisify',
        replacement: '(call) => (...words) => original(call)(...words).catch(() => undefined)',
      },
    ],
    killedBy: 'an early sync fails',
    finding: /ended with .*status 0|exit 0/,
  },
  {
    name: 'no fsync of the directory',
    seams: [{ module: local, function: 'syncDirectory', replacement: '() => undefined' }],
    killedBy: 'power loss right after exit 0',
    finding: /the archive is not there/,
  },
  {
    name: 'written straight under the name of the archive',
    seams: [{ module: local, function: 'temporaryName', replacement: '(archive) => archive' }],
    killedBy: 'killed while the archive is written',
    finding: /seen by PILOS/,
  },
  {
    name: 'a temporary name that ends in .tar',
    seams: [
      { module: local, function: 'temporaryName', replacement: "(archive) => original(archive) + '.tar'" },
    ],
    killedBy: 'killed while the archive is written',
    finding: /seen by PILOS/,
  },
  {
    name: 'leftovers in the spool are not removed',
    seams: [{ module: local, function: 'removeAbandoned', replacement: '() => undefined' }],
    killedBy: 'killed while the archive is written',
    finding: /left over after the run after it: \.\w/,
  },
  {
    name: 'the mode is not set',
    seams: [{ module: local, function: 'fchmodSync', replacement: '() => undefined' }],
    killedBy: 'three umasks',
    finding: /the archive has mode 644/,
  },
  {
    name: 'any sub directory that a meeting asks for',
    seams: [
      { module: 'config/sub-dir.ts', function: 'validateSubDir', replacement: '(subDir) => subDir' },
      {
        module: directory,
        function: 'resolveDirectory',
        replacement: "(settings, subDir) => realpathSync.native(settings.directory + '/' + subDir)",
      },
    ],
    killedBy: 'a hostile sub directory',
    finding: /written outside/,
  },
  {
    name: 'nothing checks that the spool is still the same',
    seams: [{ module: local, function: 'checkStillThere', replacement: '() => undefined' }],
    killedBy: 'another file system over the spool',
    finding: /ended with exit 0/,
  },
  {
    name: 'require_mount ignored',
    seams: [{ module: directory, function: 'checkMount', replacement: '() => undefined' }],
    killedBy: 'the spool is not mounted',
    finding: /written below the mount point/,
  },
  {
    name: 'a failed run leaves its temporary file',
    seams: [{ module: local, function: 'remove', replacement: '() => undefined' }],
    killedBy: 'the disk fills up',
    finding: /left over: \./,
  },
];
