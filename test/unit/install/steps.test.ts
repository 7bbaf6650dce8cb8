/** The steps of an installation, on real files. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEmbeddedFiles } from '../../../hook/install/embedded-files.ts';
import { isLauncher } from '../../../hook/install/launcher.ts';
import {
  planFile,
  planLink,
  planRemove,
  planRestore,
  planSetAside,
  planSystemctl,
  type Step,
} from '../../../hook/install/steps.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const place = (name: string) => join(directory.path, name);
const read = (name: string) => readFileSync(place(name), 'utf8');
const apply = async (steps: Step[] | Promise<Step[]>) => {
  for (const step of await steps) await step.apply();
};

describe('a file', () => {
  it('is written with its mode and the directories above it, and then there is nothing to do', async () => {
    const plan = () => planFile(place('etc/some/pilos.yml'), 'text', 0o755);
    expect(await plan()).toMatchObject([{ verb: 'install', what: place('etc/some/pilos.yml') }]);
    await apply(plan());
    expect(read('etc/some/pilos.yml')).toBe('text');
    expect(statSync(place('etc/some/pilos.yml')).mode & 0o7777).toBe(0o755);
    expect(await plan()).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ['another content', () => directory.write('program', 'version 0', 0o755)],
    ['another mode', (path) => chmodSync(path, 0o775)],
    ['another owner, who could change what root runs', (path) => chownSync(path, 65_534, 0)],
  ])('with %s is replaced as a whole', async (_, change) => {
    const source = directory.write('downloaded', 'version 1', 0o700);
    const plan = () => planFile(place('program'), { copyOf: source }, 0o755);
    await apply(plan());
    change(place('program'));
    const { ino } = statSync(place('program'));
    await apply(plan());
    expect(read('program')).toBe('version 1');
    expect(statSync(place('program'))).toMatchObject({ uid: 0, mode: 0o100755 });
    expect(statSync(place('program')).ino).not.toBe(ino);
    expect(await plan()).toEqual([]);
  });

  it('is written where a killed run has left half of it, and leaves nothing else', async () => {
    directory.write('.program.new', 'vers');
    await apply(planFile(place('program'), 'version 1'));
    expect(readdirSync(directory.path)).toEqual(['program']);
  });
});

describe('a link', () => {
  it('replaces what lies there, once', async () => {
    directory.write('bin/program', 'version 0');
    await apply(planLink(place('bin/program'), '/opt/program'));
    expect(readlinkSync(place('bin/program'))).toBe('/opt/program');
    expect(planLink(place('bin/program'), '/opt/program')).toEqual([]);
  });
});

describe("a foreign file in our place, such as PILOS' own script", () => {
  it('is set aside and restored', async () => {
    directory.write('launcher.rb', 'foreign');
    await apply([planSetAside(place('launcher.rb'))]);
    expect(readdirSync(directory.path)).toEqual(['launcher.rb.replaced']);
    directory.write('launcher.rb', 'own');
    await apply(planRestore(place('launcher.rb')));
    expect(read('launcher.rb')).toBe('foreign');
    expect(existsSync(place('launcher.rb.replaced'))).toBe(false);
  });

  it('is set aside again when somebody has put a newer one there, and the older one is kept too', async () => {
    directory.write('launcher.rb.replaced', 'foreign');
    directory.write('launcher.rb', 'newer');
    await apply([planSetAside(place('launcher.rb'))]);
    expect(read('launcher.rb.replaced')).toBe('newer');
    expect(read('launcher.rb.replaced.~1~')).toBe('foreign');
  });

  it('is set aside as the link that it is', async () => {
    symlinkSync(directory.write('script.rb', 'foreign'), place('launcher.rb'));
    await apply([planSetAside(place('launcher.rb'))]);
    expect(lstatSync(place('launcher.rb.replaced')).isSymbolicLink()).toBe(true);
    await apply(planRestore(place('launcher.rb')));
    expect(readlinkSync(place('launcher.rb'))).toBe(place('script.rb'));
  });

  it('is removed when it is our own and replaced nothing; what is not there is not removed', async () => {
    directory.write('launcher.rb', 'own');
    await apply(planRestore(place('launcher.rb')));
    expect(existsSync(place('launcher.rb'))).toBe(false);
    expect(planRemove(place('launcher.rb'))).toEqual([]);
  });
});

describe('systemctl', () => {
  it('that fails says which call it was, and what it said', async () => {
    await expect(planSystemctl('no-such-verb').apply()).rejects.toMatchObject({
      code: 'command_failed',
      exitStatus: 69,
      message: expect.stringMatching(/^'systemctl no-such-verb' failed: .*(Unknown command|ENOENT)/),
    });
  });
});

describe('the files that are part of the program', () => {
  it('are a launcher that is known as our own, and files with a text', async () => {
    const files = readEmbeddedFiles();
    expect(isLauncher(files.launcher)).toBe(true);
    expect(isLauncher(files.configuration)).toBe(false);
    for (const text of Object.values(files)) expect(text).toMatch(/\n$/);
  });
});
