/** How `check` is read: on a terminal, in a pipe, by a monitoring, and by whom it is run. */
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCheckScene, problemsIn, theProblem, useScene } from '../../support/check/check-scene.ts';

const scene = useScene(createCheckScene);

const pilosYml = () => `work_dir: ${scene().tree.workDir}\nspool_dir: ${scene().tree.spoolDir}\n`;
beforeEach(() => writeFileSync(scene().tree.pilosYml, pilosYml()));

/** A warning and a problem with their fixes. */
async function spoil(): Promise<void> {
  writeFileSync(scene().tree.pilosYml, `${pilosYml()}retri: { attempts: 4 }\n`);
  await scene().sh(`chmod g-s ${scene().tree.spoolDir}`);
}

describe('the lines', () => {
  it('are marked, grouped and summed up', async () => {
    const { stdout, stderr, status } = await scene().check();
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe(`checked as ${scene().bbb.name}`);
    expect(lines.filter((line) => /^\S/.test(line)).slice(1, -1)).toEqual([
      'Configuration',
      'BigBlueButton',
      'Calls',
      'Spool',
      'Recordings',
    ]);
    const shown = lines.slice(1, -2).filter((line) => line.startsWith(' '));
    expect(shown.filter((line) => !/^ {2}[✓-] \S/.test(line))).toEqual([]);
    expect(lines.slice(-2)).toEqual(['no problem', '']);
  });

  it('say what is wrong and the fix', async () => {
    await spoil();
    const { stdout, status } = await scene().check();
    expect(status).toBe(78);
    const { spoolDir, pilosYml: file } = scene().tree;
    expect(stdout).toContain(`
  ✗ pilos.yml: ${file}
      ${file}: unknown key 'retri', did you mean 'retry'?
      fix: correct it and run 'pilos-post-publish check'
`);
    expect(stdout).toContain(`
  ! mode of ${spoolDir}: 0775
      without the setgid bit, files get the group of their writer
      fix: chmod g+s ${spoolDir}
`);
    expect(stdout).toMatch(/\n\n1 problem, 1 warning: begin with the set-up \(exit status 78\)\n$/);
  });

  it('are only those that are not in order with --quiet, and none when all is', async () => {
    await spoil();
    const { stdout } = await scene().check(['--quiet']);
    expect(stdout.split('\n').filter((line) => /^ {2}\S/.test(line))).toHaveLength(2);
    writeFileSync(scene().tree.pilosYml, pilosYml());
    await scene().sh(`chmod g+s ${scene().tree.spoolDir}`);
    expect(await scene().check(['--quiet'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('have colours on a terminal, and none in a pipe nor with NO_COLOR', async () => {
    const onTerminal = (variables: string) =>
      scene().sh(
        `${variables} script --quiet --return --command 'pilos-post-publish check' /dev/null </dev/null`,
      );
    const coloured = await onTerminal('TERM=xterm LANG=C.UTF-8');
    expect(coloured.stdout).toContain('\u001b[32m✓\u001b[39m pilos.yml');
    const plain = await onTerminal('TERM=xterm NO_COLOR=1 LANG=C.UTF-8');
    expect(plain.stdout).toContain('  ✓ pilos.yml');
    expect(`${plain.stdout}${(await scene().check()).stdout}`).not.toContain('\u001b[');
  });

  it('have letters for marks where the locale knows no others', async () => {
    const { stdout } = await scene().check([], { env: { LANG: 'C' } });
    expect(stdout).toContain('\n  + pilos.yml');
    expect(stdout).not.toContain('✓');
  });
});

describe('--json', () => {
  it('is one document with every result', async () => {
    await spoil();
    const report = await scene().readReport();
    expect(Object.keys(report).sort()).toEqual([
      'exit_status',
      'milliseconds',
      'ran_as',
      'results',
      'status',
    ]);
    const { results } = report;
    expect(new Set(results.flatMap((one) => Object.keys(one)))).toEqual(
      new Set(['check', 'group', 'state', 'title', 'problem', 'fix']),
    );
    expect(results.length).toBeGreaterThan(20);
    await scene().sh(`chmod g+s ${scene().tree.spoolDir}`);
  });
});

describe('who asks', () => {
  it('is the user of BBB when that user runs it', async () => {
    const { stdout } = await scene().sh(
      `setpriv --reuid=${scene().bbb.uid} --regid=${scene().bbb.gid} --init-groups -- pilos-post-publish check --json`,
    );
    expect(JSON.parse(stdout)).toMatchObject({ ran_as: scene().bbb.name, exit_status: 0 });
  });

  it("may be root, with the program in a directory that BBB's user may not enter, as in its home", async () => {
    const { stdout } = await scene().sh(
      `d=$(mktemp -d) && ln "$(readlink -f "$(command -v pilos-post-publish)")" $d/own && $d/own check --json; rm -r $d`,
    );
    expect(JSON.parse(stdout)).toMatchObject({ ran_as: scene().bbb.name, exit_status: 0 });
  });

  it('is warned of when it is somebody else, whose rights say little', async () => {
    await scene().sh(`chmod -R a+rwX ${scene().tree.root}/var`);
    const { stdout } = await scene().sh(
      `setpriv --reuid=${scene().pilos.uid} --regid=${scene().pilos.gid} --init-groups -- pilos-post-publish check --json || true`,
    );
    const report = JSON.parse(stdout);
    expect(report.ran_as).toBe(scene().pilos.name);
    expect(problemsIn(report)).toEqual(['ran_as?']);
    const { fix = 'exit 99' } = theProblem(report);
    expect((await scene().sh(fix)).stdout).toMatch(/^checked as ppp-bbb-.*\nno problem\n$/s);
  });
});

describe('a broken configuration', () => {
  it('keeps nothing else from being checked, as far as it can be read', async () => {
    writeFileSync(scene().tree.pilosYml, `${pilosYml()}deliver: never\n`);
    const report = await scene().readReport();
    expect(problemsIn(report)).toEqual(['pilos_yml']);
    expect(report.results.find(({ check }) => check === 'spool_write')?.state).toBe('ok');
  });
});
