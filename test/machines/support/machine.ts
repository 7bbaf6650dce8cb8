/** A machine: a User-mode Linux, that is a kernel as a process, with a disk, systemd and a network card. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ProgramResult,
  type RunningProgram,
  runOrThrow,
  runProgram,
  startProgram,
} from '../../support/program/run-program.ts';
import { addresses, enterSite, type MachineName, type Site, siteDirectory } from './site.ts';

interface CommandOptions {
  /** After this time the command is ended. */
  seconds?: number;
  /** `root` by default. */
  user?: string;
  input?: Buffer | string;
}

export interface Machine {
  name: MachineName;
  address: string;
  site: Site;
  /** @param script for `sh` */
  run(script: string, options?: CommandOptions): Promise<ProgramResult>;
  /** Its standard output. @throws when the script does not end with 0 */
  ask(script: string, options?: CommandOptions): Promise<string>;
  start(script: string, options?: CommandOptions): RunningProgram;
  /** Copies what is in a local directory into one of the machine's. */
  copy(localDirectory: string, directory: string): Promise<void>;
  /** Starts it and waits until it answers. */
  boot(): Promise<void>;
  /** Ends it as a power cut does: what its kernel has not written is lost, its disks stay. */
  cutPower(): Promise<void>;
  /** An orderly shutdown. */
  shutDown(): Promise<void>;
  /** Ends it and takes a fresh disk for the next boot. */
  wipe(): Promise<void>;
  unplugNetwork(): Promise<void>;
  plugInNetwork(): Promise<void>;
  /** What it is sent comes no faster than this, so that something is still under way; null: as fast as it can. */
  limitNetwork(megabits: number | null): Promise<void>;
}

const bootSeconds = 180;

/** @param storageMegabytes of its second disk, an ext4 with quota at /srv/storage; none by default */
export function describeMachine(site: Site, name: MachineName, storageMegabytes = 0): Machine {
  const inSite = async (script: string) => {
    const [program, ...args] = enterSite(site, ['sh', '-c', script]);
    return (await runOrThrow(program, args, { timeoutMilliseconds: 150_000 })).stdout;
  };
  // It ends on the machine; only where that hangs, here, and at last whatever runs it.
  const commandLine = (script: string, { seconds = 60, user = 'root' }: CommandOptions) => {
    const limited = `timeout --kill-after=2 ${seconds} ${asUser(user, script)}`;
    return enterSite(site, ['timeout', '--foreground', `${seconds + 10}`, ...ssh(site, name), limited]);
  };
  const options = ({ seconds = 60, input }: CommandOptions) => ({
    timeoutMilliseconds: (seconds + 20) * 1000,
    ...(input === undefined ? {} : { input }),
  });
  const run: Machine['run'] = (script, command = {}) => {
    const [program, ...args] = commandLine(script, command);
    return runProgram(program, args, options(command));
  };
  const ask: Machine['ask'] = async (script, command = {}) => {
    const { status, stdout, stderr } = await run(script, command);
    if (status === 0) return stdout;
    throw new Error(`${name}: ${script}: ended with ${status}: ${stderr.trim() || stdout.trim()}`);
  };
  const cutPower = async () => {
    await inSite(endMachine(name));
  };
  return {
    ...{ name, site, address: addresses[name], run, ask, cutPower },
    start: (script, command = {}) => {
      const [program, ...args] = commandLine(script, command);
      return startProgram(program, args, options(command));
    },
    copy: async (localDirectory, directory) => {
      const receive = asUser(
        'root',
        `mkdir -p ${directory} && tar -x --no-same-owner --no-overwrite-dir -C ${directory}`,
      );
      const [program, ...args] = enterSite(site, ['timeout', '120', ...ssh(site, name), receive]);
      const pipeline = 'tar -c -C "$0" . | "$@"';
      await runOrThrow('sh', ['-c', pipeline, localDirectory, program, ...args], {
        timeoutMilliseconds: 130_000,
      });
    },
    boot: async () => {
      await inSite(prepareDisks(name, storageMegabytes));
      await startKernel(site, name, storageMegabytes > 0);
      await waitForAnswer(run, name, () => inSite(`tail -5 ${siteDirectory}/${name}.console`));
    },
    shutDown: async () => {
      await run('systemctl poweroff', { seconds: 20 });
      await inSite(waitForEnd(name, 120));
      await inSite(endMachine(name));
    },
    wipe: async () => {
      await cutPower();
      await inSite(`rm -f ${siteDirectory}/${name}.*`);
    },
    unplugNetwork: async () => void (await inSite(`ip link set ${name} nomaster`)),
    plugInNetwork: async () => void (await inSite(`ip link set ${name} master br0`)),
    limitNetwork: async (megabits) => {
      const bucket = `tbf rate ${megabits}mbit burst 128k latency 100ms`;
      const change = megabits === null ? `del dev ${name} root` : `replace dev ${name} root ${bucket}`;
      await inSite(`PATH=$PATH:/sbin:/usr/sbin tc qdisc ${change}`);
    },
  };
}

function ssh(site: Site, name: MachineName): string[] {
  const options = {
    UserKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'no',
    LogLevel: 'ERROR',
    BatchMode: 'yes',
    ConnectTimeout: '3',
    ServerAliveInterval: '5',
    ControlMaster: 'auto',
    ControlPath: `${siteDirectory}/${name}.ssh`,
    ControlPersist: '600',
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return ['ssh', '-F', 'none', '-i', `${site.image}/key`, ...flags, `root@${addresses[name]}`];
}

function asUser(user: string, script: string): string {
  const quoted = `'${script.replaceAll("'", `'\\''`)}'`;
  if (user === 'root') return `sh -c ${quoted}`;
  return `runuser -u ${user} -- env HOME=/home/${user} USER=${user} sh -c ${quoted}`;
}

/** The disk has only what differs from the image. */
function prepareDisks(name: MachineName, storageMegabytes: number): string {
  const disk = `${siteDirectory}/${name}.storage`;
  const options = '-O quota -E quotatype=usrquota:grpquota,lazy_itable_init=1';
  const storage = `[ -e ${disk} ] || { truncate -s ${storageMegabytes}M ${disk} &&
    PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -t ext4 ${options} ${disk}; }`;
  return `rm -f ${siteDirectory}/${name}.ssh; ${storageMegabytes > 0 ? storage : ''}`;
}

async function startKernel(site: Site, name: MachineName, hasStorage: boolean): Promise<void> {
  const here = `${siteDirectory}/${name}`;
  const number = addresses[name].split('.').at(-1);
  const kernel = [
    'linux.uml',
    ...[`umid=${name}`, `uml_dir=${siteDirectory}/umid/`, 'mem=1024M', 'root=/dev/ubda', 'rw'],
    ...[`ubda=${here}.cow,${site.image}/root.img`, ...(hasStorage ? [`ubdb=${here}.storage`] : [])],
    ...['con=null', 'con0=null,fd:1', 'console=tty0', 'quiet', 'panic=1', 'systemd.show_status=0'],
    ...['net.ifnames=0', `vec0:transport=tap,ifname=${name},mac=52:54:00:00:02:0${number}`],
    ...[`systemd.hostname=${name}`, `machine.ip=${addresses[name]}`],
  ];
  // Its processes are one group, led by the one whose number is noted.
  const script = `rm -rf ${siteDirectory}/umid/${name}; echo $$ > ${here}.pid; exec "$@" > ${here}.console 2>&1`;
  const [program, ...args] = enterSite(site, ['setsid', 'sh', '-c', script, 'sh', ...kernel]);
  const child = spawn(program, args, {
    stdio: 'ignore',
    detached: true,
    // The machine's memory is a file there.
    env: { PATH: process.env['PATH'], TMPDIR: siteDirectory },
  });
  child.unref();
}

const pidFile = (name: MachineName) => `${siteDirectory}/${name}.pid`;

/** Fails when it has not ended by then. */
function waitForEnd(name: MachineName, seconds: number): string {
  return `pid=$(cat ${pidFile(name)} 2>/dev/null || echo none); n=0
    while [ -e /proc/$pid ] && [ $n -lt ${seconds * 10} ]; do sleep 0.1; n=$((n + 1)); done
    [ ! -e /proc/$pid ]`;
}

/** dash knows no `--` behind the signal. */
function endMachine(name: MachineName): string {
  return `pid=$(cat ${pidFile(name)} 2>/dev/null || echo none)
    if [ -e /proc/$pid ]; then kill -KILL -$pid || exit 1; fi
    ${waitForEnd(name, 30)} || exit 1; rm -f ${pidFile(name)} ${siteDirectory}/${name}.ssh`;
}

async function waitForAnswer(
  run: Machine['run'],
  name: MachineName,
  readConsole: () => Promise<string>,
): Promise<void> {
  const end = Date.now() + bootSeconds * 1000;
  while ((await run('true', { seconds: 10 })).status !== 0) {
    if (Date.now() > end)
      throw new Error(`${name} does not answer after ${bootSeconds} s: ${await readConsole()}`);
    await sleep(300);
  }
}
