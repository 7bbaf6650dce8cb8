/** What is known of a spool that is a directory of this server. */
import { readdirSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { Answers, ProbeLine, ProbeRequest } from '../spool/local/probe.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { mountOf, plannedMountPoint } from '../system/mounts.ts';
import { ownCommand } from '../system/own-command.ts';
import { quietly, readText, statOrUndefined } from '../system/paths.ts';
import { sh } from '../system/shell-quote.ts';
import { type Accounts, readGroup } from './accounts.ts';

export interface SpoolContext {
  config: Config;
  accounts: Accounts;
  options: ChildOptions;
  /** Sub directories that PILOS' meetings on this server ask for, validated. */
  subDirs: readonly string[];
}

export type LocalSpool = Awaited<ReturnType<typeof readLocalSpool>>;
/** A spool whose directory is there. */
export type FoundSpool = LocalSpool & { found: NonNullable<LocalSpool['found']> };

export async function readLocalSpool({ config, options, subDirs }: SpoolContext, directory: string) {
  const { requireMount, workDir } = config;
  const request = { directory, requireMount, workDir, subDirs: [...subDirs] };
  const { answers, isHung } = await probe(request, options);
  const found = answers.get('')?.directory?.found;
  const path = found?.path ?? directory;
  return {
    ...{ directory, requireMount, subDirs },
    /** By sub directory. The probe did not come to its end where it is hung. */
    ...{ answers, isHung, found },
    /** Of the directory, or of the one above it that is there. */
    mount: mountOf(path, readText('/proc/self/mountinfo')),
    planned: readPlannedMount(path, isHung) ?? readPlannedMount(directory, isHung),
    /** Undefined when its id has no name on this server. */
    groupName: found && (await readGroup(found.gid, options))?.name,
    pilosGroup: await readGroup('pilos-spool', options),
  };
}

const unitDirectories = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/lib/systemd/system',
];

/**
 * What fstab or a mount unit of systemd mounts there or above it, and the command that does. Without its unit it needs the
 * directory, which nobody may fill as long as nothing is mounted.
 *
 * @param isHung whoever touches it now may never come back
 */
function readPlannedMount(path: string, isHung: boolean): { point: string; command: string } | undefined {
  const inFstab = plannedMountPoint(path, readText('/etc/fstab'));
  const inUnit = plannedMountPoint(path, '', readMountUnits());
  if (inUnit !== undefined && inUnit.length > (inFstab?.length ?? 0)) {
    const unit = `"$(${sh`systemd-escape --path --suffix=mount ${inUnit}`})"`;
    return { point: inUnit, command: `systemctl start ${unit}` };
  }
  if (inFstab === undefined) return undefined;
  const isMissing = !isHung && statOrUndefined(inFstab) === undefined;
  const create = isMissing ? sh`install -d -m 0 ${inFstab} && ` : '';
  return { point: inFstab, command: `${create}${sh`mount ${inFstab}`}` };
}

function readMountUnits(): string[] {
  return unitDirectories.flatMap((directory) => {
    const names = quietly(() => readdirSync(directory)) ?? [];
    const units = names.filter((name) => /\.(auto)?mount$/.test(name));
    return units.map((name) => readText(`${directory}/${name}`));
  });
}

/** Until the probe says its first word it has not touched the spool: it is this server that is busy. */
const startSeconds = 60;

/** In a process of its own, because whoever touches a dead file system may never come back. */
async function probe(request: ProbeRequest, options: ChildOptions) {
  const command = [...ownCommand(), 'probe-spool', JSON.stringify(request)];
  const { timedOut, exitStatus, stdout, stderr } = await runChild(command, { ...options, startSeconds });
  if (!timedOut && exitStatus !== 0) throw new Error(`the probe of the spool failed: ${stderr}`);
  const answers = new Map<string, Answers>();
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n').filter((text) => text !== '')) {
    const { subDir, answers: further } = JSON.parse(line) as ProbeLine;
    answers.set(subDir, { ...answers.get(subDir), ...further });
  }
  return { answers, isHung: timedOut };
}
