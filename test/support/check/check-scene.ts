/**
 * A BBB server where `check` finds nothing wrong: users, the group `pilos-spool`, a mounted spool, a running worker. It has a mount
 * namespace of its own, with a copy of /etc, so that a test may mount, hide and change what it likes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { CheckResult } from '../../../hook/check/table.ts';
import type { BbbTreeOptions } from '../bbb/bbb-configuration.ts';
import { type BbbTree, createBbbTree } from '../bbb/bbb-tree.ts';
import { validateJsonDocument } from '../program/json-document.ts';
import {
  type ProgramOptions,
  type ProgramResult,
  type RunningProgram,
  runOrThrow,
  runProgram,
  startProgram,
  systemPath,
} from '../program/run-program.ts';
import {
  addToGroup,
  changeUserDatabase,
  createBbbUser,
  createPilosUser,
  removeUser,
  type TestUser,
} from '../program/users.ts';
import { writeStubs } from './check-stubs.ts';

export interface CheckReport {
  ran_as: string;
  results: CheckResult[];
  exit_status: number;
  /** Of the process, which must be the same. */
  status: number | null;
  milliseconds: number;
}

export interface CheckScene {
  tree: BbbTree;
  bbb: TestUser;
  pilos: TestUser;
  /** For what the stand-ins of system programs remember. */
  stateDir: string;
  /** The spool as a path that is valid outside of the namespace, too. */
  spoolDir: string;
  run(args: readonly string[], options?: CheckOptions): Promise<ProgramResult>;
  check(args?: readonly string[], options?: CheckOptions): Promise<ProgramResult>;
  /** `check`, or another command, without waiting for its end. */
  start(args?: readonly string[]): RunningProgram;
  /** What stands before a command to run it in the namespace. */
  enter: readonly string[];
  /** `check --json` as root, parsed. */
  readReport(options?: CheckOptions): Promise<CheckReport>;
  /** Runs a line as root in `sh`, as an admin would type it; throws when it fails. */
  sh(line: string): Promise<ProgramResult>;
  dispose(): Promise<void>;
}

interface CheckOptions extends ProgramOptions {
  /** What stands before the program, as `setpriv`, which is root here, and its options. */
  by?: readonly string[];
}

export interface CheckSceneOptions extends BbbTreeOptions {
  /** Mounted on the spool directory; false: nothing. */
  mount?: string | false;
}

/** One scene for all tests of a file; another one after a failed test, which has left broken what it was about. */
export function useScene<Scene extends Pick<CheckScene, 'dispose'>>(
  create: () => Promise<Scene>,
): () => Scene {
  let scene: Scene | undefined;
  beforeAll(async () => {
    scene = await create();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    const broken = scene;
    scene = undefined;
    await broken?.dispose();
    scene = await create();
  });
  afterAll(() => scene?.dispose());
  return () => {
    if (scene === undefined) throw new Error('the scene is not there yet');
    return scene;
  };
}

export async function createCheckScene({ mount, ...options }: CheckSceneOptions = {}): Promise<CheckScene> {
  const [bbb, pilos] = [await createBbbUser(), await createPilosUser()];
  await addToGroup(bbb, pilos.group);
  const tree = createBbbTree(options);
  tree.installHook();
  tree.giveTo(bbb);
  const stateDir = join(tree.root, 'state');
  const stubs = writeStubs(stateDir, tree);
  const programs = linkProgram(tree);
  const keeper = await startKeeper();
  const inside = ['nsenter', `--mount=/proc/${keeper.pid}/ns/mnt`, '--'];
  const env = { ...tree.env, PATH: `${stubs}:${programs}:${systemPath()}`, STATE: stateDir };
  const [enter = '', ...words] = inside;

  const sh = (line: string) => runOrThrow(enter, [...words, 'sh', '-c', line], { env, cwd: '/' });
  const run = async (args: readonly string[], { by = [], ...program }: CheckOptions = {}) => {
    const call = [...words, ...by, 'pilos-post-publish', ...args];
    const result = await runProgram(enter, call, { cwd: '/', ...program, env: { ...env, ...program.env } });
    validateJsonDocument(call, result);
    return result;
  };
  const check = (args: readonly string[] = [], how: CheckOptions = {}) => run(['check', ...args], how);
  const scene: CheckScene = {
    ...{ tree, bbb, pilos, stateDir, run, check, sh, enter: inside },
    start: (args = ['check']) =>
      startProgram(enter, [...words, 'pilos-post-publish', ...args], { env, cwd: '/' }),
    spoolDir: `/proc/${keeper.pid}/root${tree.spoolDir}`,
    readReport: async (program) => {
      const begin = Date.now();
      const { status, stdout, stderr } = await check(['--json'], program);
      if (stderr !== '' || !stdout.startsWith('{')) throw new Error(`check said ${stdout}${stderr}`);
      return { ...(JSON.parse(stdout) as CheckReport), status, milliseconds: Date.now() - begin };
    },
    dispose: async () => {
      await sh('systemctl stop bbb-rap-resque-worker.service');
      keeper.kill('SIGKILL');
      for (const user of [bbb, pilos]) await removeUser(user);
      tree.remove();
    },
  };
  await prepareMounts(scene, mount);
  await sh('systemctl start bbb-rap-resque-worker.service');
  return scene;
}

/** Where an admin's shell finds it; `install` itself puts a link into usr/local/bin. */
function linkProgram(tree: BbbTree): string {
  const directory = join(tree.root, 'admin');
  mkdirSync(directory);
  // The very file: the one in dist/ may be built anew meanwhile.
  linkSync(join(tree.postPublishDir, 'pilos-post-publish'), join(directory, 'pilos-post-publish'));
  return directory;
}

/** A process that keeps the namespace; its mounts are gone with it. */
async function startKeeper() {
  const keeper = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', 'echo ready; exec sleep 600'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(keeper.stdout, 'data');
  return keeper;
}

/** The spool is mounted as `/etc/fstab` says. What changes /etc, as `useradd` does, changes a copy of it. */
async function prepareMounts(
  { tree, pilos, stateDir, sh }: CheckScene,
  mount: string | false = spoolMount,
): Promise<void> {
  const etc = join(stateDir, 'etc');
  const fstab = join(etc, 'fstab');
  // While nobody adds a user: the copy has no lock in it, and no file that is gone before it is copied.
  await changeUserDatabase('cp', ['--archive', '--no-target-directory', '/etc', etc]);
  await sh(`mount --bind ${etc} /etc && : > /etc/fstab
    sed -i '/^pilos-spool:/d; s/^${pilos.group}:/pilos-spool:/' /etc/group /etc/gshadow`);
  if (mount !== false) {
    const options = `${mount},mode=2775,uid=${pilos.uid},gid=${pilos.gid}`;
    writeFileSync(fstab, `spool ${tree.spoolDir} tmpfs ${options} 0 0\n`);
    await sh(`mount ${tree.spoolDir}`);
  }
  await makeFailedDirectory({ sh, tree });
  await laySoftwareOver(tree, stateDir, sh);
  // Where systemd is not process 1, nobody misses this directory.
  mkdirSync('/run/systemd', { recursive: true });
  await sh(
    `mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system &&
    echo enabled | tee ${stateDir}/timer ${stateDir}/check-timer`,
  );
}

/** `install` writes to /usr/local: there lies BBB of this server, and the rest of the machine's is linked to. */
async function laySoftwareOver(tree: BbbTree, stateDir: string, sh: CheckScene['sh']): Promise<void> {
  const kept = join(stateDir, 'local');
  await sh(`mkdir -p ${kept} ${tree.root}/usr/local/bigbluebutton && mount --bind /usr/local ${kept}
    mount -t tmpfs tmpfs /usr/local && mkdir /usr/local/bin /usr/local/bigbluebutton
    mount --bind ${tree.root}/usr/local/bigbluebutton /usr/local/bigbluebutton
    for each in ${kept}/*; do [ -e "/usr/local/\${each##*/}" ] || ln -s "$each" /usr/local/; done`);
}

const spoolMount = 'size=4g';

/** What is wrong: the names of checks with a problem, and with a `?` of those with a warning. */
export function problemsIn({ results }: Pick<CheckReport, 'results'>): string[] {
  return results
    .filter(({ problem }) => problem !== undefined)
    .map(({ check, state }) => (state === 'problem' ? check : `${check}?`));
}

/** The one problem or warning that there is. */
export function theProblem(report: Pick<CheckReport, 'results'>): CheckResult {
  const [result, ...others] = report.results.filter(({ problem }) => problem !== undefined);
  if (result === undefined || others.length > 0)
    throw new Error(`not one problem: ${JSON.stringify(report, null, 1)}`);
  return result;
}

/** Where PILOS puts what it cannot import: made before PILOS does, so that others can look into it. */
export function makeFailedDirectory(
  { sh, tree }: Pick<CheckScene, 'sh' | 'tree'>,
  directory = tree.spoolDir,
) {
  return sh(`install -d -m 2775 -g pilos-spool ${directory}/failed`);
}
