/** Looks at the spool, whichever kind it is. */
import { decideMembership } from './account.ts';
import { type Look, skipped } from './finding.ts';
import { type ProbeRequest, probeVariable } from './probe-request.ts';
import { readGroupName, readGroupNames, readGroups, readOrEmpty, usualUser } from './processes.ts';
import { ownCommand } from './program.ts';
import { type RunOptions, run } from './run.ts';
import type { SpoolContext } from './spool-context.ts';
import { decideLocalSpool, findLook } from './spool-local.ts';
import { isFailure, type ProbeLine } from './spool-probe.ts';
import { decideWrites } from './spool-writes.ts';

export async function lookAtSpool(context: SpoolContext): Promise<Look[]> {
  const { spool } = context.config;
  if (spool.kind === 'local') return await lookAtLocalSpool(context, spool.path);
  const { lookAtRemoteSpool } = await import('./spool-remote.ts');
  return await lookAtRemoteSpool({ ...context, address: spool });
}

async function lookAtLocalSpool(context: SpoolContext, directory: string): Promise<Look[]> {
  const { account, user, workers, subDirs, options } = context;
  const { requireMount } = context.config;
  const { lines, isHung } = await probe({ directory, requireMount, subDirs: [...subDirs] }, options);
  const [mountinfo, fstab] = [readOrEmpty('/proc/self/mountinfo'), readOrEmpty('/etc/fstab')];
  const spool = findLook(lines, '');
  const isKnown = spool !== undefined && !isFailure(spool);
  const groupName = isKnown ? await readGroupName(spool.gid, options) : undefined;
  const workerUser = account?.name ?? usualUser;
  const facts = { directory, requireMount, lines, isHung, mountinfo, fstab, user, workerUser, groupName };
  const looks = decideLocalSpool(facts);
  const isUsable = looks.every(
    ({ id, state }) => state !== 'problem' || ['spool-mode', 'spool-space'].includes(id),
  );
  if (!isUsable || !isKnown) return looks;
  if (account !== undefined) {
    const names = readGroupNames();
    const isGroupNameFree = (name: string) => !names.includes(name);
    const userGroups = await readGroups(account, options);
    looks.push(
      ...(userGroups === undefined
        ? [skipped('user-group', `the groups of ${account.name}`, 'id does not tell them')]
        : decideMembership({ account, userGroups, workers, spool, groupName, isGroupNameFree })),
    );
  }
  return [...looks, ...decideWrites({ ...facts, spool, looks }, subDirs)];
}

/** Until the probe says its first word it has not touched the spool: it is this server that is busy. */
const startSeconds = 60;

/** In a process of its own, because whoever touches a dead mount may never come back. */
async function probe(
  request: ProbeRequest,
  options: RunOptions,
): Promise<{ lines: ProbeLine[]; isHung: boolean }> {
  const environment = { ...options.environment, [probeVariable]: JSON.stringify(request) };
  const { how, exitCode, stdout, stderr } = await run([...ownCommand(), 'check'], {
    ...options,
    startSeconds,
    environment,
  });
  if (how !== 'hung' && exitCode !== 0) throw new Error(`the probe of the spool failed: ${stderr}`);
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line) as ProbeLine), isHung: how === 'hung' };
}
