/** hook/config/config.ts: what is in the files. Which files, and what is wrong with them: config-files.test.ts. */
import { describe, expect, it } from 'vitest';
import { type Config, readConfig } from '../../../hook/config/config.ts';
import { ConfigError } from '../../../hook/config/config-error.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const required = 'work_dir: /work\nspool_dir: /spool\n';

/** The configuration made of these two texts. */
function read(pilos: string, bbb = 'published_dir: /published\n'): Config {
  const config = directory.write('pilos.yml', pilos);
  return readConfig({ config, bbbConfig: [directory.write('bigbluebutton.yml', bbb)] }, {});
}

function problemsOf(pilos: string, bbb?: string): string {
  const error = expectedErrorOf(() => read(pilos, bbb));
  expect(error.exitStatus).toBe(78);
  return error.message.replaceAll(`${directory.path}/`, '');
}

describe('readConfig', () => {
  it('fills in the defaults, which leave an existing pilos.yml working', () => {
    expect(read(required, 'raw_audio_src: /x\n')).toEqual({
      pilosFile: `${directory.path}/pilos.yml`,
      workDir: '/work',
      spool: { kind: 'local', path: '/spool' },
      spoolDirs: new Map(),
      extraRsyncOptions: [],
      origins: ['PILOS'],
      allowedSubDirs: undefined,
      requireMount: false,
      retry: { attempts: 3, maxSeconds: 60 },
      workSpace: 20e9,
      logFile: '/var/log/bigbluebutton/post_publish.log',
      deliver: 'now',
      deleteAfterTransfer: false,
      importPatience: 7_200_000,
      maxUnattended: 50,
      replacesRecordings: false,
      metricsFile: undefined,
      notify: undefined,
      publishedDir: '/var/bigbluebutton/published',
      recordingDir: '/var/bigbluebutton/recording',
      publishSteps: [],
      warnings: [],
    });
  });

  it('reads a file as PILOS ships it, with comments and the two keys', () => {
    const text = `# Lies in /etc/bigbluebutton/recording/pilos.yml
#
# Working files
work_dir: /var/bigbluebutton/recording/pilos
#
# Where PILOS looks for recordings
spool_dir: /mnt/storage/recordings-spool
# or over ssh
#spool_dir: pilos.example.com:/
`;
    expect(read(text)).toMatchObject({
      workDir: '/var/bigbluebutton/recording/pilos',
      spool: { kind: 'local', path: '/mnt/storage/recordings-spool' },
    });
  });

  it('takes every key', () => {
    const text = `
work_dir: /work
spool_dir: pilos:/spool
extra_rsync_opts: [--bwlimit=1000, -v]
origins: [PILOS, Greenlight]
spool_dirs: { a: 'pilos2:/', b/c: /mnt/c/ }
allowed_sub_dirs: [a, b/c]
require_mount: /mnt
retry: { attempts: 5, max_seconds: 600 }
log_file: /log/x.log
deliver: later
delete_after_transfer: true
metrics_file: /metrics/x.prom
on_failure: [/usr/bin/mail, -s, failed]
`;
    expect(read(text)).toMatchObject({
      spool: { kind: 'ssh', host: 'pilos', path: '/spool' },
      spoolDirs: new Map([
        ['a', { kind: 'ssh', host: 'pilos2', path: '/' }],
        ['b/c', { kind: 'local', path: '/mnt/c' }],
      ]),
      extraRsyncOptions: ['--bwlimit=1000', '-v'],
      origins: ['PILOS', 'Greenlight'],
      allowedSubDirs: ['a', 'b/c'],
      requireMount: '/mnt',
      retry: { attempts: 5, maxSeconds: 600 },
      logFile: '/log/x.log',
      deliver: 'later',
      deleteAfterTransfer: true,
      metricsFile: '/metrics/x.prom',
      notify: ['/usr/bin/mail', '-s', 'failed'],
    });
  });

  it('fills in the half of retry that is not written', () => {
    expect(read(`${required}retry: { attempts: 9 }\n`).retry).toEqual({ attempts: 9, maxSeconds: 60 });
    expect(read(`${required}retry: { max_seconds: 0 }\n`).retry).toEqual({ attempts: 3, maxSeconds: 0 });
  });

  it('takes one text for a list of one', () => {
    const config = read(`${required}extra_rsync_opts: --bwlimit=1\non_failure: /bin/notify\n`);
    expect(config.extraRsyncOptions).toEqual(['--bwlimit=1']);
    expect(config.notify).toEqual(['/bin/notify']);
  });

  it('reads booleans as Ruby does: yes, no, on, off', () => {
    expect(read(`${required}require_mount: yes\n`).requireMount).toBe(true);
    expect(read(`${required}require_mount: on\n`).requireMount).toBe(true);
    expect(read(`${required}require_mount: no\ndelete_after_transfer: Off\n`)).toMatchObject({
      requireMount: false,
      deleteAfterTransfer: false,
    });
  });

  it('takes the mount point of require_mount with a slash at its end, which the kernel does not write', () => {
    expect(read(`${required}require_mount: /mnt/storage/\n`).requireMount).toBe('/mnt/storage');
    expect(read(`${required}require_mount: /\n`).requireMount).toBe('/');
  });

  it('takes a key without a value for one that is not there', () => {
    const nulls =
      'extra_rsync_opts:\norigins: ~\nretry: null\nlog_file:\nallowed_sub_dirs:\nrequire_mount:\n';
    const config = read(required + nulls);
    expect(config).toMatchObject({ origins: ['PILOS'], retry: { attempts: 3 }, requireMount: false });
    expect(config.allowedSubDirs).toBeUndefined();
    expect(read(`${required}retry: { attempts: null }\n`).retry.attempts).toBe(3);
  });

  it('knows merge keys, also of an anchor', () => {
    expect(read('<<: { work_dir: /a, spool_dir: /b }\nwork_dir: /c\n')).toMatchObject({
      workDir: '/c',
      spool: { path: '/b' },
    });
    expect(read(required, 'x: &x { log_dir: /merged }\n<<: *x\n').logFile).toBe('/merged/post_publish.log');
  });

  it('warns of a key that stands twice in pilos.yml, and not of one in the files of BBB', () => {
    const config = read(
      `${required}retry: { attempts: 1, attempts: 2 }\nwork_dir: /last\n`,
      'log_dir: /a\nlog_dir: /b\n',
    );
    expect(config).toMatchObject({
      workDir: '/last',
      retry: { attempts: 2 },
      logFile: '/b/post_publish.log',
    });
    const twice = (key: string) =>
      `${directory.path}/pilos.yml: the key '${key}' stands twice: the last one counts`;
    expect(config.warnings).toEqual([twice('attempts'), twice('work_dir')]);
  });

  it('names each problem as fields, with the file and the key to correct', () => {
    const file = (name: string) => `${directory.path}/${name}.yml`;
    const error = expectedErrorOf(() =>
      read('work_dir: /w\nspoool_dir: /s\n', 'log_dir: here\nother: &x [*x]\n'),
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).configProblems).toMatchObject([
      { kind: 'unknown_key', file: file('pilos'), key: 'spoool_dir', meant: 'spool_dir' },
      { kind: 'missing_key', file: file('pilos'), key: 'spool_dir' },
      { kind: 'invalid_value', file: file('bigbluebutton'), key: 'log_dir' },
    ]);
    expect(error).toMatchObject({ code: 'config_invalid', problems: { length: 3 } });
  });

  it("understands Scalelite's name for delete_after_transfer", () => {
    expect(read(`${required}delete_recording: true\n`).deleteAfterTransfer).toBe(true);
  });

  it('drops trailing slashes of the spool directory and spaces around a path', () => {
    expect(read('work_dir: " /work "\nspool_dir: /spool//\n')).toMatchObject({
      workDir: '/work',
      spool: { path: '/spool' },
    });
  });

  it("puts the log file beside those of BBB's own scripts", () => {
    expect(read(required, 'log_dir: /elsewhere\n').logFile).toBe('/elsewhere/post_publish.log');
  });
});

describe('readConfig refuses', () => {
  it.each([
    ['work_dir: [/a]', 'work_dir must be a text, but is a list'],
    ['work_dir: 5', "work_dir must be a text, but is '5'"],
    ['work_dir: relative', "work_dir must be an absolute path, but is 'relative'"],
    ['work_dir: ""', "work_dir is empty, but is ''"],
    ['work_dir: "/a\\0b"', "work_dir must be an absolute path, but is '/a\\x00b'"],
    ['work_dir: 2024-01-31', "work_dir must be an absolute path, but is '2024-01-31'"],
    ['spool_dir: relative', 'spool_dir is neither an absolute path'],
    ['spool_dir: { a: b }', 'spool_dir must be a text, but is a mapping'],
    ['spool_dir: yes', "spool_dir must be a text, but is 'true'"],
    ['spool_dirs: pilos', 'spool_dirs must be a mapping of sub directories to addresses'],
    ['spool_dirs: { ../a: /x }', 'spool_dirs.../a has a key that is not a relative path'],
    ['spool_dirs: { a: x }', 'spool_dirs.a is neither an absolute path'],
    ['spool_dirs: { a: /x, b: /y }\nallowed_sub_dirs: [b]', 'spool_dirs.a is not in allowed_sub_dirs'],
    ['extra_rsync_opts: { a: b }', 'extra_rsync_opts must be a list, but is a mapping'],
    ['extra_rsync_opts: [1]', "extra_rsync_opts.0 must be a list of texts, but is '1'"],
    ['extra_rsync_opts: ["-v", ""]', 'extra_rsync_opts.1 has an empty entry'],
    ['origins: PILOS', "origins must be a list, but is 'PILOS'"],
    ['origins: []', 'origins is empty: nothing would ever be sent'],
    ['origins: [yes]', "origins.0 must be a list of texts, but is 'true'"],
    ['allowed_sub_dirs: a', "allowed_sub_dirs must be a list, but is 'a'"],
    ['allowed_sub_dirs: [../x]', 'allowed_sub_dirs.0 has an entry that is not a relative path'],
    [
      'allowed_sub_dirs: [a, a/public]',
      "allowed_sub_dirs.1 has an entry with 'failed' or 'public' in its path",
    ],
    ['allowed_sub_dirs: [failed]', "allowed_sub_dirs.0 has an entry with 'failed' or 'public' in its path"],
    ['allowed_sub_dirs: [/x]', 'allowed_sub_dirs.0 has an entry that is not a relative path'],
    ['require_mount: maybe', 'require_mount must be true, false or the path of a mount point'],
    ['require_mount: 1', 'require_mount must be true, false or the path of a mount point'],
    ['metrics_file: /metrics/pilos.txt', "metrics_file must end in .prom, but is '/metrics/pilos.txt'"],
    ['retry: 3', "retry must have the keys attempts and max_seconds, but is '3'"],
    ['retry: { attempts: 0 }', "retry.attempts must be at least 1, but is '0'"],
    ['retry: { attempts: 101 }', 'retry.attempts must be at most 100'],
    ['retry: { attempts: 1.5 }', 'retry.attempts must be a whole number'],
    ['retry: { attempts: "3" }', "retry.attempts must be a number, but is '3'"],
    ['retry: { attempts: .nan }', 'retry.attempts must be a number'],
    ['retry: { max_seconds: -1 }', 'retry.max_seconds must be at least 0'],
    ['retry: { max_seconds: .inf }', 'retry.max_seconds must be a whole number'],
    ['log_file: x.log', 'log_file must be an absolute path'],
    ['deliver: soon', "deliver must be 'now' or 'later', but is 'soon'"],
    ['delete_after_transfer: 1', "delete_after_transfer must be true or false, but is '1'"],
    ['delete_recording: "true"', 'delete_after_transfer must be true or false'],
    ['metrics_file: [x]', 'metrics_file must be a text, but is a list'],
    ['notify: []', 'notify is empty'],
    ['on_failure: [1]', 'notify.0 must be a list of texts'],
  ])('%s', (line, problem) => {
    const others = required.split('\n').filter((other) => other.split(':')[0] !== line.split(':')[0]);
    expect(problemsOf(`${others.join('\n')}\n${line}\n`)).toContain(`pilos.yml: ${problem}`);
  });

  it.each([
    ['published_dir: relative', "published_dir must be an absolute path, but is 'relative'"],
    ['published_dir: 7', "published_dir must be a text, but is '7'"],
    ['recording_dir: [/a]', 'recording_dir must be a text, but is a list'],
    ['log_dir: ""', 'log_dir is empty'],
  ])("%s in BBB's own file", (line, problem) => {
    expect(problemsOf(required, `${line}\n`)).toContain(`bigbluebutton.yml: ${problem}`);
  });

  it.each([
    ['', 'work_dir'],
    ['work_dir:\nspool_dir: /x', 'work_dir'],
    ['work_dir: /x', 'spool_dir'],
  ])('a file without a required key: %j', (text, key) => {
    expect(problemsOf(`deliver: now\n${text}\n`)).toContain(`pilos.yml: ${key} is missing`);
  });

  it.each([
    ['wrok_dir', "unknown key 'wrok_dir', did you mean 'work_dir'?"],
    ['spooldir', "unknown key 'spooldir', did you mean 'spool_dir'?"],
    ['Deliver', "unknown key 'Deliver', did you mean 'deliver'?"],
    ['extra_rsync_options', "unknown key 'extra_rsync_options', did you mean 'extra_rsync_opts'?"],
    ['something_else', "unknown key 'something_else'"],
    ['__proto__', "unknown key '__proto__'"],
    ['constructor', "unknown key 'constructor'"],
    ['"a\\nb"', "unknown key 'a\\x0ab'"],
  ])('the unknown key %s, with the one that was meant', (key, problem) => {
    const said = problemsOf(`${required}${key}: 1\n`);
    expect(said).toBe(`pilos.yml: ${problem}`);
  });

  it('an unknown key in retry', () => {
    expect(problemsOf(`${required}retry: { atempts: 3, delete_recording: 1 }\n`)).toBe(
      "pilos.yml: unknown key 'retry.atempts', did you mean 'retry.attempts'?; pilos.yml: unknown key 'retry.delete_recording'",
    );
  });

  it('both files at once, naming every problem in one line', () => {
    const said = problemsOf('wrok_dir: /x\ndeliver: soon\n', 'published_dir: x\nlog_dir: y\n');
    for (const problem of [
      "pilos.yml: unknown key 'wrok_dir'",
      'pilos.yml: work_dir is missing',
      'pilos.yml: spool_dir is missing',
      'pilos.yml: deliver must be',
      'bigbluebutton.yml: published_dir must be',
      'bigbluebutton.yml: log_dir must be',
    ])
      expect(said).toContain(problem);
    expect(said).not.toContain('\n');
  });

  it('does not mind keys of BBB that it does not know', () => {
    expect(read(required, 'notes_endpoint: x\nsteps: 5\nunknown: [1]\n').publishSteps).toEqual([]);
  });
});

describe('extra_rsync_opts', () => {
  const readWith = (options: string) =>
    read(`work_dir: /work\nspool_dir: pilos:/spool\nextra_rsync_opts: ${options}\n`);

  it.each([
    '[-n]',
    '[-avn]',
    '[--dry-run]',
    '[-avu]',
    '[--update]',
    '[--ignore-existing]',
    '[--max-size=1G]',
    '[--delete-excluded]',
  ])('are refused when they keep archives from being sent: %s', (options) => {
    expect(() => readWith(options)).toThrow(
      /extra_rsync_opts has an option that keeps archives from being sent/,
    );
  });

  it.each([
    '[-e, "ssh -n"]',
    '["-essh -n"]',
    '[--numeric-ids]',
    '[-v, -z]',
    '[--bwlimit=1000]',
    '[--fsync]',
    '[-q]',
  ])('are taken as PILOS documents them: %s', (options) => {
    expect(readWith(options).extraRsyncOptions.length).toBeGreaterThan(0);
  });
});
