/** What stands in examples/ is what an admin copies: it must be true. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../hook/cli/program.ts';
import { pilosKeys } from '../../../hook/config/pilos-keys.ts';
import { parsePilos } from '../../../hook/config/pilos-settings.ts';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { installedExecutable } from '../../../hook/install/layout.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { stopping, writing } from '../../support/program/node-variables.ts';

const examples = resolve(import.meta.dirname, '../../../examples');
const read = (name: string) => readFileSync(join(examples, name), 'utf8');
const parse = (text: string) => parsePilos(parseMapping(text, 'pilos.yml'), 'pilos.yml');

const text = read('pilos.yml');
/** Keys that are commented out have no space behind their `#`, explanations do. */
const activated = text.replace(/^#(?=\S)/gm, '');
const asShipped = parse(text);

describe('examples/pilos.yml', () => {
  it('has work_dir and spool_dir as PILOS ships them, and nothing else active', () => {
    expect(parseMapping(text, 'pilos.yml')).toEqual({
      work_dir: '/var/bigbluebutton/recording/pilos',
      spool_dir: '/mnt/storage/recordings-spool',
    });
  });

  it('names every key of the schema once, and no other', () => {
    const named = [...text.matchAll(/^#?(\w+):/gm)].map(([, key]) => key);
    expect(named).toEqual(Object.keys(pilosKeys));
  });

  it('explains every key', () => {
    for (const key of Object.keys(pilosKeys)) {
      expect(text, key).toMatch(new RegExp(`^# .*\\n#?${key}:`, 'm'));
    }
  });

  it.each(Object.entries(asShipped).filter(([, value]) => value !== undefined))(
    'shows the default of %s: activated, it changes nothing',
    (key, value) => {
      expect(parse(activated)).toHaveProperty(key, value);
    },
  );

  it('shows a valid example where there is no default', () => {
    const values = Object.entries(parse(activated)).filter(([, value]) => value === undefined);
    expect(values).toEqual([]);
  });
});

describe('examples/ssh_config', () => {
  it('is understood by ssh, and gives the host pilos a user and a key', () => {
    const said = execFileSync('ssh', ['-T', '-G', '-F', join(examples, 'ssh_config'), 'pilos']).toString();
    expect(said.split('\n')).toEqual(
      expect.arrayContaining(['hostname pilos.example.com', 'user pilos-spool', 'port 22']),
    );
    expect(said).toMatch(/^identityfile .*\.ssh\/pilos$/m);
  });
});

describe('examples/authorized_keys', () => {
  const directory = useTemporaryDirectory();
  const line = read('authorized_keys').match(/^command="(?<command>[^"]+)",restrict ssh-ed25519 \S+ \S+$/m);

  it('restricts the key to rrsync, writing only, without a lock and with deletions', () => {
    expect(line?.groups?.['command']).toMatch(/^\/usr\/bin\/rrsync -wo -no-lock \/\S+[^/]$/);
  });

  it('is a line that ssh understands, once the key is in it', () => {
    const key = join(directory.path, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const [, publicKey = ''] = readFileSync(`${key}.pub`, 'utf8').split(' ');
    const file = directory.write(
      'authorized_keys',
      read('authorized_keys').replace(/ssh-ed25519 \S+/, `ssh-ed25519 ${publicKey}`),
    );
    const fingerprints = execFileSync('ssh-keygen', ['-l', '-f', file]).toString();
    expect(fingerprints.trim().split('\n')).toHaveLength(1);
    expect(fingerprints).toContain('bigbluebutton@bbb1');
  });
});

describe('examples/docker-compose.yml', () => {
  it('maps the spool into each container of PILOS that works with recordings', () => {
    const { services } = parseMapping(read('docker-compose.yml'), 'docker-compose.yml') as {
      services: Record<string, { volumes: string[]; environment: Record<string, string> }>;
    };
    expect(Object.keys(services)).toEqual(['app', 'cron', 'horizon']);
    for (const { volumes, environment } of Object.values(services)) {
      expect(volumes).toEqual([`${asShipped.spool_dir.path}:/var/www/html/storage/recordings-spool`]);
      expect(environment['PILOS_SPOOL_GID']).toBe('2000');
    }
  });
});

describe('examples/bbb-docker', () => {
  const conf = read('bbb-docker/supervisor.conf');

  it('runs a command that there is, every 15 minutes as the timer does, as bigbluebutton', () => {
    const [program, command, ...rest] = conf.match(/^command=(.*)$/m)?.[1]?.split(' ') ?? [];
    expect([program, command, ...rest.slice(0, 2)]).toEqual([
      installedExecutable,
      'deliver',
      '--every',
      '15m',
    ]);
    expect(conf).toMatch(/^user=bigbluebutton$/m);
  });

  it('is merged with what bigbluebutton/docker has, of which it changes only what it names', () => {
    const text = read('bbb-docker/docker-compose.override.yml');
    const { services } = parseMapping(text, 'compose') as { services: Record<string, object> };
    expect(Object.keys(services)).toEqual(['recordings']);
    expect(Object.keys(services['recordings'] ?? {}).sort()).toEqual(['entrypoint', 'volumes']);
    expect(text).toContain('exec /entrypoint.sh');
  });
});

describe('examples/release-workflow.yml', () => {
  it('makes targets that there are, and publishes what `make release` writes', () => {
    const { jobs } = parseMapping(read('release-workflow.yml'), 'release-workflow.yml') as {
      jobs: Record<string, { steps: { run?: string }[] }>;
    };
    const runs = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run));
    const root = join(examples, '..');
    const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
    const targets = runs.flatMap((run) => run.match(/(?<=make )\S+/) ?? []);
    expect(targets).toEqual(['release', 'release-test']);
    for (const target of targets) expect(makefile).toMatch(new RegExp(`^${target}:`, 'm'));
    const written = readFileSync(join(root, 'build/release.ts'), 'utf8');
    for (const name of ['SHA256SUMS', 'sbom.cdx.json', 'third-party-notices.txt', 'release-notes.md']) {
      expect(runs.join('\n')).toContain(name);
      expect(written).toContain(`'${name}'`);
    }
  });
});

describe('examples/systemd', () => {
  const directory = useTemporaryDirectory();
  const units = ['pilos-post-publish', 'pilos-post-publish-check'];
  const service = (unit: string) => read(`systemd/${unit}.service`);
  const settingOf = (unit: string, name: string) =>
    service(unit).match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1];

  it.each([
    ['pilos-post-publish', 'deliver', []],
    ['pilos-post-publish-check', 'check', ['--quiet', '--notify']],
  ])('%s runs a command that there is, as bigbluebutton, and never two at once', (unit, name, options) => {
    const [program, command, ...rest] = settingOf(unit, 'ExecStart')?.split(' ') ?? [];
    expect(program).toBe(installedExecutable);
    const known = createProgram(async () => undefined).commands.find((one) => one.name() === command);
    expect([command, ...rest]).toEqual([name, ...options]);
    const longs = known?.options.map(({ long }) => long);
    for (const option of options) expect(longs).toContain(option);
    expect(settingOf(unit, 'User')).toBe('bigbluebutton');
    expect(settingOf(unit, 'Type')).toBe('oneshot');
  });

  it('runs the check in the sandbox of a delivery, so that it meets what that meets', () => {
    const sandbox = (unit: string) => {
      const [, settings = ''] = service(unit).split('IOSchedulingClass=idle');
      return settings.split('\n').filter((line) => /^\w+=/.test(line));
    };
    const [deliver = '', check = ''] = units;
    expect(sandbox(check)).toEqual(sandbox(deliver));
    expect(sandbox(check).length).toBeGreaterThan(10);
  });

  it('skips no run: without a pilos.yml it fails, which systemctl --failed lists', () => {
    for (const name of readdirSync(join(examples, 'systemd')))
      expect(read(`systemd/${name}`)).not.toMatch(/^(Condition|Assert)\w+=/m);
  });

  it.each(['pilos-post-publish', 'pilos-post-publish-check'])(
    '%s inherits nothing that Node.js obeys before the program begins',
    (name) => {
      const [, unset] = read(`systemd/${name}.service`).match(/^UnsetEnvironment=(.*)$/m) ?? [];
      expect(unset?.split(' ').sort()).toEqual([...Object.keys(stopping), ...writing].sort());
    },
  );

  it('takes away nothing that a delivery needs', () => {
    // The lock between runs, the check whether another run is alive, the check of the mount, and Node's compiler.
    for (const name of ['PrivateNetwork', 'PrivatePIDs', 'ReadWritePaths', 'MemoryDenyWriteExecute']) {
      for (const unit of units) expect(settingOf(unit, name), name).toBeUndefined();
    }
    expect(settingOf('pilos-post-publish', 'ProtectSystem')).toBe('full');
    expect(settingOf('pilos-post-publish', 'ProtectHome')).toBe('read-only');
  });

  it('comes with a timer of the same name for each service', () => {
    const files = units.flatMap((unit) => [`${unit}.service`, `${unit}.timer`]);
    expect(readdirSync(join(examples, 'systemd')).sort()).toEqual(files.sort());
    expect(read('systemd/pilos-post-publish.timer')).toMatch(/^OnCalendar=\*:0\/15$/m);
    expect(read('systemd/pilos-post-publish-check.timer')).toMatch(/^OnCalendar=daily$/m);
    for (const unit of units) expect(read(`systemd/${unit}.timer`)).toMatch(/^RandomizedDelaySec=/m);
  });

  it('is accepted by systemd-analyze verify', () => {
    cpSync(join(examples, 'systemd'), directory.path, { recursive: true });
    const files = units.map((unit) => {
      const file = join(directory.path, `${unit}.service`);
      // It also looks whether the program is there.
      writeFileSync(file, service(unit).replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
      return file;
    });
    const timers = units.map((unit) => join(directory.path, `${unit}.timer`));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...files, ...timers]);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  });
});
