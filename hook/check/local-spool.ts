/** What is known of a spool that is a directory of this server. */
import { readdirSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { type Mount, mountOf, plannedMountPoint } from '../system/mounts.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { type Accounts, type NamedGroup, readGroup, readText } from './accounts.ts';
import { ownCommand } from './own-program.ts';
import { quietly, statOrUndefined } from './paths.ts';
import type { ProbeFailure, ProbeLine, ProbeRequest, SpoolDirectory } from './spool-probe.ts';

export interface SpoolContext {
  config: Config;
  accounts: Accounts;
  options: ChildOptions;
  /** Sub directories that PILOS' meetings on this server ask for, validated. */
  subDirs: readonly string[];
}

export interface LocalSpool {
  directory: string;
  requireMount: boolean | string;
  /** Sub directories that meetings ask for. */
  subDirs: readonly string[];
  lines: readonly ProbeLine[];
  /** The probe did not come to its end. */
  isHung: boolean;
  /** What is there, as far as it was found. */
  found: SpoolDirectory | undefined;
  /** Of the directory, or of the one above it that is there. */
  mount: Mount;
  /** What fstab or a mount unit of systemd mounts there, or above it. */
  planned: PlannedMount | undefined;
  /** The directory's group; undefined when its id has no name on this server. */
  groupName: string | undefined;
  /** The group `pilos-spool` of this server. */
  pilosGroup: NamedGroup | undefined;
}

interface PlannedMount {
  point: string;
  /** Mounts it. Without its unit it needs the directory, which nobody may fill as long as nothing is mounted. */
  command: string;
}

const unitDirectories = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/lib/systemd/system',
];

export async function readLocalSpool(
  { config, options, subDirs }: SpoolContext,
  directory: string,
): Promise<LocalSpool> {
  const { requireMount, workDir } = config;
  const request = { directory, requireMount, workDir, subDirs: [...subDirs] };
  const { lines, isHung } = await probe(request, options);
  const answer = lines.find((one) => one.step === 'directory' && one.subDir === '');
  const found = answer?.step === 'directory' && 'found' in answer ? answer.found : undefined;
  const path = found?.path ?? directory;
  return {
    ...{ directory, requireMount, subDirs, lines, isHung, found },
    mount: mountOf(path, readText('/proc/self/mountinfo')),
    planned: readPlannedMount(path, isHung) ?? readPlannedMount(directory, isHung),
    groupName: found && (await readGroup(found.gid, options))?.name,
    pilosGroup: await readGroup('pilos-spool', options),
  };
}

/** @param isHung whoever touches it now may never come back */
function readPlannedMount(path: string, isHung: boolean): PlannedMount | undefined {
  const inFstab = plannedMountPoint(path, readText('/etc/fstab'));
  const inUnit = plannedMountPoint(path, '', readMountUnits());
  if (inUnit !== undefined && inUnit.length > (inFstab?.length ?? 0)) {
    const unit = `"$(systemd-escape --path --suffix=mount ${shellQuote([inUnit])})"`;
    return { point: inUnit, command: `systemctl start ${unit}` };
  }
  if (inFstab === undefined) return undefined;
  const point = shellQuote([inFstab]);
  const create = !isHung && statOrUndefined(inFstab) === undefined ? `install -d -m 0 ${point} && ` : '';
  return { point: inFstab, command: `${create}mount ${point}` };
}

function readMountUnits(): string[] {
  return unitDirectories.flatMap((directory) => {
    const names = quietly(() => readdirSync(directory)) ?? [];
    return names
      .filter((name) => /\.(auto)?mount$/.test(name))
      .map((name) => readText(`${directory}/${name}`));
  });
}

/** A spool whose directory is there. */
export type FoundSpool = LocalSpool & { found: SpoolDirectory };

/** What the probe says of a step; undefined when it did not come to it. */
export function answerOf<Step extends ProbeLine['step']>(
  lines: readonly ProbeLine[],
  step: Step,
  subDir = '',
): Extract<ProbeLine, { step: Step }> | undefined {
  const isIt = (line: ProbeLine): line is Extract<ProbeLine, { step: Step }> =>
    line.step === step && line.subDir === subDir;
  return lines.find(isIt);
}

export function failureOf(answer: ProbeLine | undefined): ProbeFailure | undefined {
  return answer !== undefined && 'failure' in answer ? answer.failure : undefined;
}

/** Until the probe says its first word it has not touched the spool: it is this server that is busy. */
const startSeconds = 60;

/** The hidden command that runs a probe. */
const probeCommand = 'probe-spool';

/** In a process of its own, because whoever touches a dead file system may never come back. */
async function probe(
  request: ProbeRequest,
  options: ChildOptions,
): Promise<{ lines: ProbeLine[]; isHung: boolean }> {
  const command = [...ownCommand(), probeCommand, JSON.stringify(request)];
  const { timedOut, exitStatus, stdout, stderr } = await runChild(command, { ...options, startSeconds });
  if (!timedOut && exitStatus !== 0) throw new Error(`the probe of the spool failed: ${stderr}`);
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line) as ProbeLine), isHung: timedOut };
}
