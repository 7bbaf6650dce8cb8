/** SERVERS, RECORDINGS and LAYOUT → the fleets to run. Pure. */
import { type FleetOptions, type Layout, layouts } from './plan.ts';

const leastServers = 3;
const mostServers = 250;
/** So that one server can be cut off for a third of its calls. */
const leastEach = 5;

/** Throws an Error that names the variable, its value and what it may be. */
export function readOptions(environment: NodeJS.ProcessEnv): FleetOptions[] {
  const servers = readNumber(environment, 'SERVERS', 3, [leastServers, mostServers]);
  const recordings = readNumber(environment, 'RECORDINGS', 300, [leastEach * servers, 1_000_000]);
  const wanted = environment['LAYOUT'] || undefined;
  const chosen = layouts.filter((layout) => wanted === undefined || layout === wanted);
  if (chosen.length === 0) throw new Error(`LAYOUT=${wanted} is none of ${layouts.join(' and ')}`);
  return chosen.map((layout: Layout) => ({ layout, servers, recordings }));
}

function readNumber(
  environment: NodeJS.ProcessEnv,
  name: string,
  usual: number,
  [least, most]: readonly [number, number],
): number {
  const text = environment[name] || `${usual}`;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name}=${text} is not a whole number from ${least} to ${most}`);
}
