/** Files that are deleted or replaced while somebody on the same or on another client has them open. */
import { beforeAll, describe, expect, it } from 'vitest';
import { bbbUser, callAsBbb, isWhole, publish, published } from './support/bbb.ts';
import { describeDelivery } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { mountPoint, prepareSpool, spool, spoolOnServer, squashAll, versions } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const delivered = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';

/** Deletes a file that a process has open from before, until it is ended. */
const hold = (file: string) =>
  `exec 3< ${file}; sleep 3000 <&3 >/dev/null 2>&1 & echo $! > /tmp/holder; rm ${file}`;

describe.runIf(isFull).each(versions)('Open files, NFS %s', (version) => {
  beforeAll(() => prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll }));

  it('recordings on NFS: the .nfs file of a deleted file is left out of the archive', async ({ task }) => {
    const recording = await publish(bbb);
    const there = `${mountPoint}/published/presentation`;
    await storage.ask(
      'install -d -m 2775 -g pilos-spool /srv/storage/published /srv/storage/published/presentation',
    );
    await bbb.ask(`cp -r ${recording.directory} ${there} &&
      mount --bind ${mountPoint}/published ${published}`);
    try {
      const extra = `${recording.directory}/video/extra.webm`;
      const found = await bbb.ask(
        `echo open > ${extra} && find ${recording.directory} -exec touch --date='2 hours ago' {} +
        ${hold(extra)}
        find ${recording.directory} -name '.nfs*' | wc -l`,
        { user: bbbUser },
      );
      expect(found).toBe('1\n');
      const { status, stdout } = await callAsBbb(bbb, recording);
      const names = await storage.ask(`tar -tf ${spoolOnServer}/${recording.archive}`);
      await bbb.ask('kill $(cat /tmp/holder)');
      expect(stdout).toMatch(/\.nfs\w+' is what NFS keeps of a deleted file: left out of the archive/);
      expect(names).not.toContain('.nfs');
      const result = await describeDelivery({ bbb, storage, recording }, status);
      expect(result).toBe(delivered);
      report(task, result);
    } finally {
      await bbb.ask(`kill $(cat /tmp/holder) 2>/dev/null; umount ${published}`);
      await storage.ask('rm -r /srv/storage/published');
    }
  });

  it('a .nfs file in the spool stays alone', async ({ task }) => {
    const open = `${spool}/imported.tar`;
    await pilos.ask(`echo open > ${open}; ${hold(open)}`);
    try {
      expect(await storage.ask(`find ${spoolOnServer} -name '.nfs*' | wc -l`)).toBe('1\n');
      const recording = await publish(bbb);
      const { status } = await callAsBbb(bbb, recording);
      const result = await describeDelivery({ bbb, storage, recording }, status);
      expect(result).toBe(delivered);
      expect(await storage.ask(`find ${spoolOnServer} -name '.nfs*' | wc -l`)).toBe('1\n');
      report(task, result);
    } finally {
      await pilos.ask('kill $(cat /tmp/holder)');
    }
  });

  it('an archive is replaced while PILOS reads it', async ({ task }) => {
    const recording = await publish(bbb, 20);
    expect((await callAsBbb(bbb, recording)).status).toBe(0);
    const archive = `${spool}/${recording.archive}`;
    const size = Number(await pilos.ask(`stat -c %s ${archive}`));
    // Reads the beginning, then waits, and reads the rest from the server.
    const reading = pilos.start(
      `rm -f /tmp/go; exec 3< ${archive} && head -c 1M <&3 | wc -c > /tmp/began
      until [ -e /tmp/go ]; do sleep 0.1; done; echo 3 > /proc/sys/vm/drop_caches; cat <&3 | wc -c`,
      { seconds: 200 },
    );
    await pilos.ask('until [ -s /tmp/began ]; do sleep 0.1; done');
    await bbb.ask(`head -c 5M /dev/urandom > ${recording.directory}/video/webcams.webm
      chown -R ${bbbUser}: ${recording.directory}
      find ${recording.directory} -exec touch --date='90 minutes ago' {} +`);
    // For three minutes, PILOS may be importing the first one.
    const { status: early } = await callAsBbb(bbb, recording);
    await bbb.ask("date --set='4 minutes'");
    const { status } = await callAsBbb(bbb, recording);
    await bbb.ask("date --set='4 minutes ago'");
    await pilos.ask('touch /tmp/go');
    const { stdout, stderr } = await reading.result;
    await pilos.ask('rm /tmp/began /tmp/go');
    expect([early, status]).toEqual([75, 0]);
    expect(await isWhole(bbb, recording, pilos, archive)).toBe(true);
    const rest = Number(stdout.trim());
    const isWholeOld = rest === size - 1024 * 1024;
    const isStale = stderr.includes('Stale file handle');
    expect([isWholeOld, isStale]).toEqual([!isStale, !isWholeOld]);
    const reader = isStale
      ? 'the reader gets ESTALE, nothing wrong'
      : 'the reader gets the old one to its end';
    report(task, `exit 75 for 3 minutes, then exit 0, the new archive whole; ${reader}`);
  });
});
