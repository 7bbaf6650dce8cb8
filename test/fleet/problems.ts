/** What is not as it must be at the end of a fleet's day: a sentence each, none when all is well. */
import type { InstanceReport } from './compare-imports.ts';
import type { FleetReport } from './fleet.ts';
import type { ServerReport } from './server-report.ts';

export function problemsOf({ servers, instances, left }: FleetReport): string[] {
  return [
    ...servers.flatMap(serverProblems),
    ...instances.flatMap(instanceProblems),
    ...left.map((file) => `left behind: ${file}`),
  ];
}

function serverProblems(server: ServerReport): string[] {
  const { plan, calls, delivered, failed, resent, states, notDone } = server;
  const strays = plan.allowed === undefined ? 0 : plan.formats.length;
  const own = calls - strays;
  const problems = [
    [calls !== plan.recordings.length * plan.formats.length, `${calls} calls were made`],
    [server.refused !== strays, `${server.refused} calls were refused instead of ${strays}`],
    [plan.cut === undefined && failed > 0, `${failed} calls failed: ${server.failure}`],
    [plan.cut !== undefined && failed === 0, 'it was cut off, and no call failed'],
    [delivered + resent !== own, `${delivered} and by deliver ${resent} deliveries instead of ${own}`],
    [states['imported'] !== own || (states['failed'] ?? 0) !== strays, `status: ${describeStates(states)}`],
    [notDone !== (strays > 0 ? 1 : 0), `${notDone} recordings have no -sender.done`],
  ] as const;
  return problems.flatMap(([isWrong, text]) => (isWrong ? [`${plan.name}: ${text}`] : []));
}

function instanceProblems({ name, lost, foreign, different, failed }: InstanceReport): string[] {
  const lists = { lost, foreign, different, 'not importable': failed };
  return Object.entries(lists).flatMap(([what, list]) =>
    list.length === 0 ? [] : [`${name}: ${list.length} ${what}, the first is ${list[0]}`],
  );
}

export function describeStates(states: Record<string, number>): string {
  return Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}
