/** What `check` finds on a BBB server. */
import type { CheckResult } from '../../../hook/check/table.ts';
import type { Machine } from './machine.ts';

/** The result of one check. */
export async function check(bbb: Machine, name: string): Promise<CheckResult> {
  const found = (await checkAll(bbb)).find((result) => result.check === name);
  if (found === undefined) throw new Error(`no check is named ${name}`);
  return found;
}

/** Of one group: what is wrong there. That PILOS has not made `failed/` yet is not. */
export async function findProblems(bbb: Machine, group: CheckResult['group']): Promise<CheckResult[]> {
  const isExpected = ({ check: name }: CheckResult) => name === 'failed_directory';
  const found = (await checkAll(bbb)).filter((result) => result.group === group && !isExpected(result));
  return found.filter(({ problem }) => problem !== undefined);
}

async function checkAll(bbb: Machine): Promise<CheckResult[]> {
  const { stdout, stderr } = await bbb.run('pilos-post-publish check --json', { seconds: 180 });
  if (stdout === '') throw new Error(`check printed nothing: ${stderr}`);
  return (JSON.parse(stdout) as { results: CheckResult[] }).results;
}
