/** Mutants of everything around the spool: what is read, locked, sent over rsync and noted. */
import type { Mutant } from './mutants.ts';

const delivery = 'delivery/delivery.ts';
const settling = 'delivery/settle-meeting.ts';
const shipment = 'spool/rsync/shipment.ts';

export const deliveryMutants: Mutant[] = [
  {
    name: 'leftovers in work_dir are not removed',
    seams: [{ module: delivery, function: 'removeAbandonedWorkFiles', replacement: '() => []' }],
    killedBy: 'killed while the ledger is written',
    finding: /left over after the run after it: work_dir/,
  },
  {
    name: '-sender.done when the delivery begins',
    seams: [
      {
        module: settling,
        function: 'markOutstanding',
        replacement:
          'async ({ config }, { meetingId }) => void setSenderDone(config.recordingDir, meetingId, true)',
      },
    ],
    killedBy: 'killed while the archive is written',
    finding: /-sender\.done is there, and PILOS has not imported/,
  },
  {
    name: '-sender.done after the first of two formats',
    seams: [{ module: settling, function: 'isOutstanding', replacement: '() => false' }],
    killedBy: 'one of two formats delivered',
    finding: /-sender\.done after the first/,
  },
  {
    name: '-sender.done while the archive waits for PILOS',
    seams: [
      {
        module: 'delivery/meeting-formats.ts',
        function: 'isSafe',
        replacement: "(state) => original(state) || state === 'delivered'",
      },
    ],
    killedBy: 'PILOS has it or refuses it',
    finding: /-sender\.done while the archive waits/,
  },
  {
    name: 'what lies in failed/ counts as imported',
    seams: [
      {
        module: 'delivery/confirm.ts',
        function: 'importState',
        replacement: "(...words) => original(...words).replace('refused', 'imported')",
      },
    ],
    killedBy: 'PILOS has it or refuses it',
    finding: /-sender\.done though PILOS has refused/,
  },
  {
    name: 'an archive is replaced while PILOS may be importing it',
    seams: [{ module: 'delivery/decide.ts', function: 'mayBeImportedNow', replacement: '() => undefined' }],
    killedBy: 'published again a moment later',
    finding: /replaced while PILOS may be importing/,
  },
  {
    name: '-sender.done stays when the files are published again',
    seams: [{ module: delivery, function: 'markOutstanding', replacement: 'async () => undefined' }],
    killedBy: 'published again',
    finding: /the old -sender\.done/,
  },
  {
    name: 'noted as delivered before it is',
    seams: [
      {
        module: 'delivery/pack-and-send.ts',
        function: 'packAndSend',
        replacement: `async (context, delivery) => {
          const { published, archive: name, destination, subDir: sub_dir } = delivery;
          const { size: bytes, fingerprint } = planDeliveredArchive(published);
          const [at, stamp] = [new Date().toISOString(), readStamp(published.directory)];
          const sent = { at, bytes, seconds: 0, destination, name, fingerprint, stamp, checksum: '', sub_dir };
          context.ledger.recordDelivery(published, sent);
          return await original(context, delivery);
        }`,
      },
    ],
    killedBy: 'killed while the archive is written',
    finding: /PILOS found 0 archives/,
  },
  {
    name: 'exit status of rsync ignored',
    seams: [
      {
        module: shipment,
        function: 'runRsync',
        replacement:
          '(run, build) => original(run, build, Array.from({ length: 256 }, (_, status) => status))',
      },
      { module: shipment, function: 'saysSent', replacement: '() => true' },
      { module: shipment, function: 'saysRenamed', replacement: '() => true' },
    ],
    killedBy: 'the spool of another host is closed',
    finding: /exit 0, and the archive is not there/,
  },
  {
    name: 'a cut transfer starts again at zero',
    seams: [
      {
        module: 'spool/rsync/arguments.ts',
        function: 'sendArguments',
        replacement:
          "(...words) => original(...words).map((word) => (word === '--partial' ? '--whole-file' : word))",
      },
    ],
    killedBy: 'sshd stopped at half of the archive',
    finding: /bytes sent again/,
  },
  {
    name: 'no lock',
    seams: [{ module: 'system/lock.ts', function: 'listen', replacement: 'async () => createServer()' }],
    killedBy: 'several runs at once over rsync',
    finding: /sent it|one ended with|PILOS cannot import|PILOS found|what PILOS unpacked|left over/,
  },
  {
    name: 'the published files are not compared with the plan in the end',
    seams: [
      { module: 'archive/write-archive.ts', function: 'checkUnchanged', replacement: '() => undefined' },
    ],
    killedBy: 'a file is added while the others are read',
    finding: /what PILOS unpacked: video\/added missing/,
  },
  {
    name: "other servers' temporary files are removed at once",
    seams: [
      {
        module: 'system/run-token.ts',
        function: 'isAbandoned',
        replacement: '(token) => original(token, Infinity)',
      },
    ],
    killedBy: 'two servers in one spool',
    finding: /alive: the other server's file is not there/,
  },
  {
    name: 'root stays root',
    seams: [{ module: 'system/user.ts', function: 'becomeOwner', replacement: '() => undefined' }],
    killedBy: 'run as root',
    finding: /belongs to root/,
  },
  {
    name: 'links out of the recording are followed',
    seams: [{ module: 'archive/walk-directory.ts', function: 'isInside', replacement: '() => true' }],
    killedBy: 'a link out of the recording',
    finding: /instead of 65/,
  },
];
