/** hook/config/config.ts: which files are read, how BBB's are merged, and what may be wrong with a file. */
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../hook/config/config.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const pilos = 'work_dir: /work\nspool_dir: /spool\n';

function problemsOf(content: string | Uint8Array): string {
  const config = directory.write('pilos.yml', content);
  const bbbConfig = [directory.write('bigbluebutton.yml', 'log_dir: /log\n')];
  const error = expectedErrorOf(() => readConfig({ config, bbbConfig }, {}));
  expect(error.exitStatus).toBe(78);
  expect(error.fix).toBe("correct it and run 'pilos-post-publish check'");
  expect(error.message).not.toContain('\n');
  return error.message.replaceAll(`${directory.path}/`, '');
}

describe('a file that is no configuration', () => {
  it.each([
    ['empty', '', 'pilos.yml is empty'],
    ['of white space', ' \n\t\n', 'pilos.yml is empty'],
    ['of comments', '# nothing\n  # at all', 'pilos.yml is empty'],
    ['an empty document', '---\n', 'pilos.yml must be a mapping of keys to values'],
    ['a list', '- work_dir\n- spool_dir\n', 'pilos.yml must be a mapping of keys to values'],
    ['a text', 'work_dir', 'pilos.yml must be a mapping of keys to values'],
    ['a number', '42', 'pilos.yml must be a mapping of keys to values'],
    ['a date', '2024-01-31', 'pilos.yml must be a mapping of keys to values'],
    ['binary', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0), 'pilos.yml is not a text file in UTF-8'],
    ['in Latin-1', Buffer.from('work_dir: /Größe', 'latin1'), 'pilos.yml is not a text file in UTF-8'],
    ['in UTF-16', Buffer.from(`\ufeff${pilos}`, 'utf16le'), 'pilos.yml is not a text file in UTF-8'],
    ['full of NULs', '\0'.repeat(10), 'pilos.yml is not valid YAML'],
    ['cut in a quoted text', 'work_dir: /a\nspool_dir: "/b', 'pilos.yml is not valid YAML in line 2'],
    ['indented with tabs', 'work_dir: /a\nretry:\n\tattempts: 3', 'pilos.yml is not valid YAML in line 3'],
    [
      'without a space behind a colon',
      `${pilos}\nretry:\n  attempts:3\n  x: 1`,
      'pilos.yml is not valid YAML in line 6',
    ],
    ['with an alias to nothing', 'work_dir: *x\n', 'pilos.yml is not valid YAML in line 1'],
    [
      'with an object of Ruby',
      'work_dir: !ruby/object:File {}\n',
      'work_dir must be a text, but is a mapping',
    ],
    ['nested 100,000 deep', `work_dir: ${'['.repeat(100_000)}`, 'pilos.yml is not valid YAML in line 1'],
  ])('is refused: %s', (_, content, problem) => {
    expect(problemsOf(content)).toContain(problem);
  });

  it('is reported quickly when its aliases would expand to gigabytes', () => {
    const layers = Array.from({ length: 20 }, (_, n) => `&l${n + 1} [${`*l${n},`.repeat(9)}]`);
    const begin = performance.now();
    expect(problemsOf(`spool_dir: /x\nwork_dir: [&l0 [x], ${layers.join(', ')}]\n`)).toBe(
      'pilos.yml: work_dir must be a text, but is a list',
    );
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it('is reported when a list contains itself', () => {
    expect(problemsOf('spool_dir: /x\nwork_dir: &loop [*loop]\n')).toBe(
      'pilos.yml: work_dir must be a text, but is a list',
    );
  });

  it('is reported when it is missing or a directory', () => {
    const bbbConfig = [directory.makeDirectory('directory.yml')];
    const error = expectedErrorOf(() => readConfig({ config: `${directory.path}/gone.yml`, bbbConfig }, {}));
    expect(error.exitStatus).toBe(78);
    expect(error.message).toContain(`${directory.path}/gone.yml does not exist`);
    expect(error.message).toContain(`cannot read ${directory.path}/directory.yml`);
  });

  it('is reported when the user may not read it', async () => {
    const config = directory.write('pilos.yml', pilos, 0o600);
    const { error } = await runInChildNode(
      `const { readConfig } = await hook('config/config');
       return readConfig({ config: argument, bbbConfig: [argument] }, {});`,
      { argument: config, uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 78 });
    expect(error?.message).toContain(`cannot read ${config}: permission denied (EACCES)`);
  });

  it('is read with a byte order mark and Windows line ends', () => {
    const config = directory.write('pilos.yml', `\ufeff${pilos.replaceAll('\n', '\r\n')}`);
    const bbbConfig = [directory.write('bigbluebutton.yml', 'log_dir: /log\n')];
    expect(readConfig({ config, bbbConfig }, {})).toMatchObject({
      workDir: '/work',
      spool: { path: '/spool' },
    });
  });
});

describe('the choice of files', () => {
  const write = (name: string, directoryName: string) =>
    directory.write(name, `work_dir: /${directoryName}\nspool_dir: /s\n`);
  const bbb = (name: string) => directory.write(name, `log_dir: /${name}\n`);

  it('prefers the option to the environment', () => {
    const environment = {
      PILOS_POST_PUBLISH_CONFIG: write('env.yml', 'env'),
      PILOS_POST_PUBLISH_BBB_CONFIG: bbb('env-bbb'),
    };
    const chosen = { config: write('option.yml', 'option'), bbbConfig: [bbb('option-bbb')] };
    expect(readConfig(chosen, environment)).toMatchObject({
      workDir: '/option',
      logFile: '/option-bbb/post_publish.log',
    });
    expect(readConfig({}, environment)).toMatchObject({
      workDir: '/env',
      logFile: '/env-bbb/post_publish.log',
    });
    expect(readConfig({ bbbConfig: [] }, environment)).toMatchObject({
      logFile: '/env-bbb/post_publish.log',
    });
  });

  it("takes a list of BBB's files, the later merged over the earlier", () => {
    const config = write('pilos.yml', 'work');
    const first = directory.write('a.yml', 'log_dir: /a\npublished_dir: /a\nrecording_dir: /a\n');
    const second = directory.write('b.yml', 'log_dir: /b\npublished_dir: /b\n');
    const third = directory.write('c.yml', 'log_dir: /c\n');
    const merged = { logFile: '/c/post_publish.log', publishedDir: '/b', recordingDir: '/a' };
    expect(readConfig({ config, bbbConfig: [first, second, third] }, {})).toMatchObject(merged);
    const environment = { PILOS_POST_PUBLISH_BBB_CONFIG: `:${first}:${second}::${third}:` };
    expect(readConfig({ config }, environment)).toMatchObject(merged);
  });

  it('takes an empty variable for none', () => {
    const environment = { PILOS_POST_PUBLISH_CONFIG: '', PILOS_POST_PUBLISH_BBB_CONFIG: '' };
    const error = expectedErrorOf(() => readConfig({}, environment));
    expect(error.message).toContain('/etc/bigbluebutton/recording/pilos.yml');
    expect(error.message).toContain('/usr/local/bigbluebutton/core/scripts/bigbluebutton.yml');
  });

  const installed = `mount -t tmpfs tmpfs /etc && mount -t tmpfs tmpfs /usr/local
    mkdir -p /etc/bigbluebutton/recording /usr/local/bigbluebutton/core/scripts
    printf 'work_dir: /work\\nspool_dir: /spool\\n' >/etc/bigbluebutton/recording/pilos.yml
    printf 'log_dir: /l1\\npublished_dir: /p1\\n' >/usr/local/bigbluebutton/core/scripts/bigbluebutton.yml`;
  const readDefaults = "const { readConfig } = await hook('config/config'); return readConfig({}, {});";

  it('is that of PILOS and BBB when nothing is chosen', async () => {
    const { value } = await runInChildNode(readDefaults, { mounts: installed });
    expect(value).toMatchObject({
      pilosFile: '/etc/bigbluebutton/recording/pilos.yml',
      workDir: '/work',
      logFile: '/l1/post_publish.log',
    });
  });

  it("merges BBB's override, /etc/bigbluebutton/recording/recording.yml, when it exists", async () => {
    const override = `${installed}
      echo 'published_dir: /p2' >/etc/bigbluebutton/recording/recording.yml`;
    const { value } = await runInChildNode(readDefaults, { mounts: override });
    expect(value).toMatchObject({ logFile: '/l1/post_publish.log', publishedDir: '/p2' });
  });

  it('does not pass over a broken override', async () => {
    const broken = `${installed}
      echo 'published_dir: "' >/etc/bigbluebutton/recording/recording.yml`;
    const { error } = await runInChildNode(readDefaults, { mounts: broken });
    expect(error).toMatchObject({ exitStatus: 78 });
    expect(error?.message).toContain('/etc/bigbluebutton/recording/recording.yml is not valid YAML');
  });
});
