/** The table of docs/link-failures.md. */
import { type RsyncFailureCode, type Rule, silence } from '../../../hook/spool/rsync/failure-rule.ts';
import { rsyncRules } from '../../../hook/spool/rsync/rsync-rules.ts';
import { silentSshRules, sshRules } from '../../../hook/spool/rsync/ssh-rules.ts';
import { type KeyKind, keyKinds, type LinkFailure, type Reported } from './failures.ts';

const heading = ['what fails', 'key', 'reported', 'when all words are lost'];

export function describeFailures(failures: readonly LinkFailure[]): string {
  const rows = [heading, ...failures.flatMap(describeFailure)];
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first, ...others] = rows;
  return [line(first ?? []), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
}

/** A row for all keys that report the same. */
function describeFailure({ what, reported }: LinkFailure): string[][] {
  const groups = Map.groupBy(
    keyKinds.filter((kind) => reported[kind] !== undefined),
    (kind) => JSON.stringify(reported[kind]),
  );
  return [...groups].map(([key, kinds]) => {
    const { code, lost } = JSON.parse(key) as Reported;
    return [
      what,
      nameKeys(kinds),
      describeCode(code),
      lost === code ? 'the same' : describeCode(lost, isForStatus),
    ];
  });
}

function nameKeys(kinds: readonly KeyKind[]): string {
  return kinds.length === keyKinds.length ? 'every' : kinds.join(', ');
}

/** A rule that needs no words. */
const isForStatus = ({ pattern, exitCodes }: Rule) =>
  exitCodes !== undefined && (pattern === undefined || pattern === silence);

function describeCode(code: RsyncFailureCode, isMeant: (rule: Rule) => boolean = () => true): string {
  const rules = [...sshRules, ...silentSshRules, ...rsyncRules];
  const rule = rules.find((one) => one.code === code && isMeant(one));
  return `\`${code}\` (${rule?.exitStatus})`;
}
