/** Mutants of everything around the spool: what is read, locked, sent over rsync and noted. */
import type { Mutant } from './mutants.ts';

export const deliveryMutants: Mutant[] = [
  {
    name: 'leftovers in work_dir are not removed',
    edits: [
      {
        file: 'delivery/delivery.ts',
        search: 'of removeAbandonedWorkFiles(config.workDir)',
        replace: 'of [] as string[]',
      },
    ],
    killedBy: 'killed while the ledger is written',
    finding: /left over after the run after it: work_dir/,
  },
  {
    name: '-sender.done when the delivery begins',
    edits: [
      {
        file: 'delivery/settle-meeting.ts',
        search: 'if (!setSenderDone(config.recordingDir, published.meetingId, false)) return;',
        replace: 'if (!setSenderDone(config.recordingDir, published.meetingId, true)) return;',
      },
    ],
    killedBy: 'killed while the archive is written',
    finding: /-sender\.done is there, and the archive is not/,
  },
  {
    name: '-sender.done after the first of two formats',
    edits: [
      {
        file: 'delivery/settle-meeting.ts',
        search: 'const isDone = left.length === 0 && isPublished;',
        replace: 'const isDone = isPublished;',
      },
    ],
    killedBy: 'one of two formats delivered',
    finding: /-sender\.done/,
  },
  {
    name: '-sender.done stays when the files are published again',
    edits: [
      {
        file: 'delivery/delivery.ts',
        search: 'markOutstanding(context, published),\n    );\n    clear',
        replace: 'undefined,\n    );\n    clear',
      },
    ],
    killedBy: 'published again',
    finding: /the old -sender\.done/,
  },
  {
    name: 'noted as delivered before it is',
    edits: [
      {
        file: 'delivery/delivery.ts',
        search: 'const bar = session.progress.start(name, plan.size);',
        replace: `const bar = session.progress.start(name, plan.size);
  openLedger(context.config.workDir).recordDelivery(published, {
    ...{ at: new Date().toISOString(), bytes: plan.size, seconds: 0, destination: '', name, stamp },
    fingerprint: plan.fingerprint,
  });`,
      },
    ],
    killedBy: 'killed while the archive is written',
    finding: /PILOS found 0 archives/,
  },
  {
    name: 'exit status of rsync ignored',
    edits: [
      {
        file: 'spool/rsync/rsync.ts',
        search: 'if (result.exitCode === 0) return result.stdout;',
        replace: 'return result.stdout;',
      },
      {
        file: 'spool/rsync/rsync.ts',
        search: 'if (saysSent(output, basename(archive))) return;',
        replace: 'return;',
      },
      {
        file: 'spool/rsync/rsync.ts',
        search: 'if (saysRenamed(output, transfer.baseName)) return;',
        replace: 'return;',
      },
    ],
    killedBy: 'sshd stopped before',
    finding: /exit 0, and the archive is not there/,
  },
  {
    name: 'a cut transfer starts again at zero',
    edits: [
      {
        file: 'spool/rsync/arguments.ts',
        search: "'--inplace', '--partial'",
        replace: "'--inplace', '--whole-file'",
      },
    ],
    killedBy: 'sshd stopped at half of the archive',
    finding: /bytes sent again/,
  },
  {
    name: 'no lock',
    edits: [
      {
        file: 'system/lock.ts',
        search: "(errnoName(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error))",
        replace: 'resolve(server)',
      },
    ],
    killedBy: 'several runs at once over rsync',
    finding: /one ended with|PILOS cannot import|PILOS found|what PILOS unpacked|left over/,
  },
  {
    name: 'no second look at the published files',
    edits: [{ file: 'archive/write-archive.ts', search: '\n  checkUnchanged(plan);', replace: '' }],
    killedBy: 'a file is added while the others are read',
    finding: /what PILOS unpacked: video\/added missing/,
  },
  {
    name: "other servers' temporary files are removed at once",
    edits: [
      {
        file: 'system/run-token.ts',
        search: 'if (host !== hostId()) return untouchedFor > foreignPatience;',
        replace: 'if (host !== hostId()) return untouchedFor >= 0;',
      },
    ],
    killedBy: 'two servers in one spool',
    finding: /alive: the other server's file is not there/,
  },
  {
    name: 'root stays root',
    edits: [
      {
        file: 'system/user.ts',
        search: 'if (uid === undefined || uid === 0) return undefined;',
        replace: 'return undefined;',
      },
    ],
    killedBy: 'run as root',
    finding: /belongs to root/,
  },
  {
    name: 'links out of the recording are followed',
    edits: [
      {
        file: 'archive/archive.ts',
        search: `if (!target.startsWith(\`\${walk.root}/\`))`,
        replace: "if (target === '')",
      },
    ],
    killedBy: 'a link out of the recording',
    finding: /instead of 65/,
  },
];
