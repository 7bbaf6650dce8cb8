/** A spool on another host, over ssh. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { bbbUser } from './support/bbb.ts';
import {
  command,
  expectAllWell,
  failToDeliver,
  noticeByCheck,
  noticedByCall,
  paste,
  useServer,
} from './support/incident.ts';
import { isFull, reportIncident, useMachines } from './support/machines.ts';
import { acceptKey, sshSpool } from './support/pilos.ts';
import { service } from './support/timer.ts';

const machines = useMachines();
const { bbb, pilos } = machines;
const settings = {
  spool_dir: `pilos-spool@pilos:${sshSpool}`,
  require_mount: false,
  retry: { attempts: 1 },
};

describe.runIf(isFull)('A spool over ssh', () => {
  useServer(machines, {}, settings);
  beforeEach(async () => {
    await bbb.ask(`mkdir -p ~${bbbUser}/.ssh && chown -R ${bbbUser}: ~${bbbUser}/.ssh`);
    await acceptKey(pilos, bbb, bbbUser);
    await pilos.ask(`find ${sshSpool} -type f -delete
      install -d -m 2775 -o pilos-spool -g pilos-spool ${sshSpool}/failed`);
  });
  afterAll(() => pilos.plugInNetwork());

  it('the key belongs to root', async ({ task }) => {
    await bbb.ask(`chown root:root ~${bbbUser}/.ssh/id_ed25519`);
    const held = [await failToDeliver(bbb, 77, /key/)];
    const fix = await noticeByCheck(bbb, 'ssh_key');
    expect(fix).toMatch(/^chown /);
    await paste(bbb, fix);
    await expectAllWell(machines, { held, spoolDirectory: sshSpool });
    reportIncident(task, { ...noticedByCall(77), fix: command(fix) });
  });

  it('the host key of the PILOS host has changed', async ({ task }) => {
    const key = '/etc/ssh/ssh_host_ed25519_key';
    await pilos.ask(`rm ${key} && ssh-keygen -q -t ed25519 -N '' -f ${key} && systemctl restart ssh`);
    const held = [await failToDeliver(bbb, 78, /host key of \S+ has changed/)];
    const fix = await noticeByCheck(bbb, 'host_key');
    const [, sends = ''] = (await pilos.ask(`ssh-keygen -lf ${key}.pub`)).split(' ');
    expect(fix).toContain(`now it sends ${sends}`);
    const [, removal = 'exit 99'] = /(sudo -u \S+ ssh-keygen .*), then connect once/.exec(fix) ?? [];
    await paste(bbb, removal.replace('sudo -u bigbluebutton', 'runuser -u bigbluebutton --'));
    await bbb.ask('ssh -o StrictHostKeyChecking=accept-new pilos-spool@pilos true', { user: bbbUser });
    await expectAllWell(machines, { held, spoolDirectory: sshSpool });
    const sentence = `compare both fingerprints, which it prints; then ${command(removal)}, and connect once`;
    reportIncident(task, { ...noticedByCall(78), fix: sentence });
  });

  it('the PILOS host is away, and comes back', async ({ task }) => {
    await pilos.unplugNetwork();
    const held = [await failToDeliver(bbb, 75, /pilos/)];
    const fix = await noticeByCheck(bbb, 'host');
    await pilos.plugInNetwork();
    // BBB's calls wait for the timer to find it there again.
    await bbb.ask(`systemctl start ${service}`, { seconds: 180 });
    await expectAllWell(machines, { held, spoolDirectory: sshSpool });
    reportIncident(task, {
      ...noticedByCall(75),
      fix: `${fix}; back again, the timer delivers by itself`,
    });
  });
});
