/** Delivers an archive in each of the cases of a {@link LinkHost}, and notes what is reported. */
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startChildNode } from '../program/child-node.ts';
import { largeSize } from '../rsync/rsync-sender.ts';
import type { LinkCase, LinkHost, Wording } from './link-host.ts';

/** Bytes of an archive that is sent whole, in one run of rsync, and of one that is renamed there in another. */
const sizes = [60_000, largeSize];

interface SizedCase extends LinkCase {
  size: number;
}

export interface Tried extends SizedCase {
  code: string | undefined;
  exitStatus: number | undefined;
  message: string;
}

/** How many are under way at once: many only wait. */
const atOnce = 6;

export async function tryLinkCases(
  { cases, bbbUser, path }: LinkHost,
  wording: Wording,
  wanted: readonly SizedCase[] = sizes.flatMap((size) =>
    cases.filter((one) => one.wording === wording).map((one) => ({ ...one, size })),
  ),
): Promise<Tried[]> {
  const workDir = join(bbbUser.home, `work-${wording}`);
  mkdirSync(`${workDir}/tmp`, { recursive: true });
  for (const one of [workDir, `${workDir}/tmp`]) chownSync(one, bbbUser.uid, bbbUser.gid);
  const jobs = wanted.map(({ address, failure, size }) => ({
    address,
    size,
    extra: failure.extraOptions ?? [],
  }));
  const running = startChildNode(
    `const { rsyncSpool } = await hook('spool/rsync/rsync');
     const { parseSpoolAddress } = await hook('config/spool-address');
     const { writeSync } = await import('node:fs');
     const watcher = { signal: new AbortController().signal, warn() {}, debug() {} };
     const results = [];
     const next = argument.jobs.entries();
     const work = async () => {
       for (const [index, { address, size, extra }] of next) {
         const spool = rsyncSpool({ address: parseSpoolAddress(address), workDir: argument.workDir, extraRsyncOptions: extra, retry: { attempts: 1, maxSeconds: 0 }, workSpace: 1e9 });
         try {
           const write = async (file) => writeSync(file, Buffer.alloc(size));
           await spool.deliver({ ...watcher, name: 'm-1-video.tar', size, subDir: 'instance1', write });
           results[index] = { message: 'delivered' };
         } catch ({ code, exitStatus, message }) {
           results[index] = { code, exitStatus, message };
         }
       }
     };
     await Promise.all(Array.from({ length: argument.atOnce }, work));
     return results;`,
    {
      argument: { jobs, workDir, atOnce },
      env: { HOME: bbbUser.home, PATH: path(wording) },
      uid: bbbUser.uid,
    },
  );
  const { status, stdout, stderr } = await running.result;
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (status !== 0 || !last.startsWith('{')) throw new Error(`the tries ended with ${status}: ${stderr}`);
  const { value, error } = JSON.parse(last) as {
    value?: Omit<Tried, keyof SizedCase>[];
    error?: { message: string };
  };
  if (value === undefined) throw new Error(error?.message);
  return wanted.map((one, index) => ({ ...one, ...(value[index] as Omit<Tried, keyof SizedCase>) }));
}

/** Tries again what was not heard: the last words of the other side race with the end of the connection. */
export async function tryUntilHeard(host: LinkHost, tried: readonly Tried[]): Promise<Tried[]> {
  let heard = [...tried];
  for (let round = 1; round <= 10; round += 1) {
    const unheard = heard.filter(isUnheard);
    if (unheard.length === 0) break;
    for (const wording of new Set(unheard.map((one) => one.wording))) {
      const wanted = unheard.filter((one) => one.wording === wording);
      const again = await tryLinkCases(host, wording, wanted);
      heard = heard.map((one) => again[wanted.indexOf(one)] ?? one);
    }
  }
  return heard;
}

/** Reported is what is left of it when its words are lost, though they are not swallowed here. */
function isUnheard({ wording, failure, kind, code }: Tried): boolean {
  const reported = failure.reported[kind];
  return wording !== 'lost' && code !== reported?.code && code === reported?.lost;
}
