/** What every other case rests on. */
import { beforeAll, describe, expect, it } from 'vitest';
import { report, useMachines } from './support/machines.ts';
import { mountPoint, prepareSpool, squashAll } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();

describe('The machines', () => {
  // Another file may have mounted it with another version.
  beforeAll(() => prepareSpool({ storage, clients: [bbb, pilos], options: squashAll }));

  it('boot with their own kernel and systemd, and mount the storage over NFS 4.2', async ({ task }) => {
    for (const machine of [storage, bbb, pilos]) {
      expect(await machine.ask('ps -o comm= -p 1')).toBe('systemd\n');
      expect(await machine.ask('hostname')).toBe(`${machine.name}\n`);
    }
    for (const machine of [bbb, pilos])
      expect(await machine.ask('cat /proc/mounts')).toMatch(
        new RegExp(` ${mountPoint} nfs4 [^ ]*vers=4.2[^ ]*hard`),
      );
    report(task, 'yes');
  });

  it('have the package installed, its timer enabled and waiting', async ({ task }) => {
    expect(await bbb.ask('dpkg --status pilos-post-publish')).toContain('Status: install ok installed');
    expect(await bbb.ask('systemctl is-enabled pilos-post-publish.timer')).toBe('enabled\n');
    expect(await bbb.ask('systemctl is-active pilos-post-publish.timer')).toBe('active\n');
    report(task, 'yes');
  });

  it('end a command that takes longer than its time limit, and what it has started', async ({ task }) => {
    const { status } = await bbb.run('sleep 1001 & sleep 1002', { seconds: 2 });
    expect(status).toBe(124);
    expect(await bbb.ask("pgrep --full 'sleep 100[12]' || true")).toBe('');
    report(task, 'yes');
  });
});
