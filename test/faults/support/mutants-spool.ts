/** Mutants of the way into a mounted spool. */
import type { Mutant } from './mutants.ts';

const local = 'spool/local/local.ts';
const directory = 'spool/local/directory.ts';
const temporaryName = `const temporary = \`.\${parcel.name}.\${createRunToken()}\`;`;

export const spoolMutants: Mutant[] = [
  {
    name: 'no fsync of the archive',
    edits: [{ file: local, search: '    fsyncSync(file);\n', replace: '' }],
    killedBy: 'power loss right after exit 0',
    finding: /cannot import|is not there/,
  },
  {
    name: 'the error of an early sync is ignored',
    edits: [
      {
        file: 'spool/local/write-behind.ts',
        search: '    await pending.catch(() => undefined);\n  }\n  await pending;\n',
        replace: '    await pending.catch(() => undefined);\n  }\n',
      },
    ],
    killedBy: 'an early sync fails',
    finding: /ended with .*status 0|exit 0/,
  },
  {
    name: 'no fsync of the directory',
    edits: [{ file: local, search: '      syncDirectory(directory);\n', replace: '' }],
    killedBy: 'power loss right after exit 0',
    finding: /the archive is not there/,
  },
  {
    name: 'written straight under the name of the archive',
    edits: [{ file: local, search: temporaryName, replace: 'const temporary = parcel.name;' }],
    killedBy: 'killed while the archive is written',
    finding: /seen by PILOS/,
  },
  {
    name: 'a temporary name that ends in .tar',
    edits: [
      { file: local, search: temporaryName, replace: `const temporary = \`.\${createRunToken()}.tar\`;` },
    ],
    killedBy: 'killed while the archive is written',
    finding: /seen by PILOS/,
  },
  {
    name: 'leftovers in the spool are not removed',
    edits: [{ file: local, search: '    removeAbandoned(directory, parcel.warn);\n', replace: '' }],
    killedBy: 'killed while the archive is written',
    finding: /left over after the run after it: \.\w/,
  },
  {
    name: 'the mode is not set',
    edits: [{ file: local, search: '  fchmodSync(file, archiveMode);\n', replace: '' }],
    killedBy: 'three umasks',
    finding: /the archive has mode 644/,
  },
  {
    name: 'any sub directory that a meeting asks for',
    edits: [
      {
        file: 'config/sub-dir.ts',
        search: "if (value.length > 200 || !value.split('/').every((part) => segment.test(part))) {",
        replace: 'if (value.length > 2000) {',
      },
      {
        file: directory,
        search: 'if (resolved.startsWith(root)) return resolved;',
        replace: 'return resolved;',
      },
    ],
    killedBy: 'a hostile sub directory',
    finding: /written outside/,
  },
  {
    name: 'no look whether the spool is still the same',
    edits: [
      {
        file: local,
        search: '      checkStillThere(directory);\n      withErrno',
        replace: '      withErrno',
      },
      {
        file: local,
        search: '      syncDirectory(directory);\n      checkStillThere(directory);',
        replace: '',
      },
    ],
    killedBy: 'another file system over the spool',
    finding: /ended with exit 0/,
  },
  {
    name: 'require_mount ignored',
    edits: [{ file: directory, search: 'if (requireMount === false) return;', replace: 'return;' }],
    killedBy: 'the spool is not mounted',
    finding: /written below the mount point/,
  },
  {
    name: 'a failed run leaves its temporary file',
    edits: [
      {
        file: local,
        search: 'if (!isRenamed) remove(directory.inside(temporary));',
        replace: 'void isRenamed;',
      },
    ],
    killedBy: 'the disk fills up',
    finding: /left over: \./,
  },
];
