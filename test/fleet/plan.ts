/** Who serves whom and which recordings there are, before anything is made. Pure. */

export const layouts = ['storage', 'ssh'] as const;
/** `storage`: every host mounts one central file system. `ssh`: each PILOS has its own, behind an sshd. */
export type Layout = (typeof layouts)[number];

export interface FleetOptions {
  layout: Layout;
  /** BBB servers, 3 or more. */
  servers: number;
  recordings: number;
}

export const instances = ['instance1', 'instance2'] as const;
/** Of PILOS; also the sub directory of the spool that is its own. */
export type Instance = (typeof instances)[number];

export interface RecordingPlan {
  instance: Instance;
  /** Of a file that no other recording has. */
  bytes: number;
}

/** While these calls are made, counted from 0, the server has no way to PILOS. */
interface Cut {
  from: number;
  to: number;
}

export interface ServerPlan {
  name: string;
  /** Whose meetings it records. */
  serves: readonly Instance[];
  /** `allowed_sub_dirs`; its last recording is of a meeting that asks for another one. */
  allowed: readonly Instance[] | undefined;
  /** What BBB makes of each recording. */
  formats: readonly string[];
  recordings: RecordingPlan[];
  /** BBB's publish workers: so many calls at once. */
  workers: number;
  cut: Cut | undefined;
}

const fewServers = 10;
/** At the moment of the cut this one is on its way. */
const largeBytes = 32_000_000;
/** The formats of the servers in turn. A large fleet makes formats of few files: it is there for its numbers. */
const manyFiles = [['presentation'], ['presentation', 'podcast'], ['video']];
const fewFiles = [['notes'], ['podcast'], ['notes']];

export function planFleet({ servers, recordings }: FleetOptions): ServerPlan[] {
  const formatsOf = (index: number) => (servers > fewServers ? fewFiles : manyFiles)[index % 3] ?? [];
  const shares = shareRecordings(
    Array.from({ length: servers }, (_, index) => formatsOf(index).length),
    recordings,
  );
  return Array.from({ length: servers }, (_, index): ServerPlan => {
    const isLast = index === servers - 1;
    const isLarge = servers > fewServers;
    const serves = chooseInstances(isLast);
    const formats = formatsOf(index);
    const own = shares[index] ?? 0;
    const isCut = index === 1;
    const third = Math.floor(own / 3);
    const planned = Array.from({ length: own }, (_, number): RecordingPlan => {
      const bytes = isLarge ? 2_000 : 10_000 + ((number * 7919) % 50_000);
      const instance = serves[number % serves.length] ?? instances[0];
      return { instance, bytes: isCut && number === third ? largeBytes : bytes };
    });
    const stray: RecordingPlan[] = isLast ? [{ instance: instances[0], bytes: 1_000 }] : [];
    return {
      name: `bbb${index + 1}`,
      serves,
      allowed: isLast ? serves : undefined,
      formats,
      recordings: [...planned, ...stray],
      workers: isLarge ? 1 : 2,
      cut: isCut ? { from: third * formats.length, to: 2 * third * formats.length } : undefined,
    };
  });
}

/** A server that makes two formats of each recording gets half as many: its calls are then as many as another's. */
function shareRecordings(formatCounts: readonly number[], recordings: number): number[] {
  const turns = formatCounts.flatMap((count, index) => (count === 1 ? [index, index] : [index]));
  const shares = formatCounts.map(() => 0);
  for (let number = 0; number < recordings; number += 1) {
    const server = turns[number % turns.length] ?? 0;
    shares[server] = (shares[server] ?? 0) + 1;
  }
  return shares;
}

/** The last one serves one PILOS only, and says so. */
function chooseInstances(isLast: boolean): readonly Instance[] {
  return isLast ? [instances[1]] : instances;
}
