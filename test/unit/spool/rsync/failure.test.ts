import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../../../hook/spool/rsync/failure.ts';
import { code255, rsyncFailures } from '../../../fixtures/rsync-failures.ts';

const facts = { destination: 'pilos:/spool/instance1', host: 'pilos' };

describe('explainFailure', () => {
  it.each(rsyncFailures)(
    'when $what',
    ({ exitCode, stderr, exitStatus, retryable = false, code, says, fix }) => {
      const failure = explainFailure({ exitCode, stderr }, facts);
      expect(failure).toMatchObject({ exitStatus, retryable, code });
      expect(failure.message).toContain(says);
      expect(failure.fix).toContain(fix);
      expect(failure.message).not.toContain('\n');
    },
  );

  it('knows by the phase whose failure it is', () => {
    const refused = 'ssh: connect to host pilos port 22: Connection refused\r\n';
    expect(explainFailure({ exitCode: 255, stderr: refused }, facts, 'connection').code).toBe(
      'host_unreachable',
    );
    // What a login script prints there is not ssh's.
    expect(explainFailure({ exitCode: 12, stderr: refused }, facts, 'transfer').code).toBe(
      'remote_rsync_silent',
    );
    for (const exitCode of [10, 12, 255])
      expect(explainFailure({ exitCode, stderr: 'quota: 99 %' }, facts, 'cut').code).toBe('connection_lost');
    expect(explainFailure({ exitCode: 255, stderr: '' }, facts, 'connection').message).toMatch(
      /without saying why: the name, network, port or firewall, the host key, our key, or ssh's configuration here/,
    );
    expect(explainFailure({ exitCode: 255, stderr: 'what?' }, facts, 'connection')).toMatchObject({
      code: 'ssh_failed',
      message: "ssh to pilos:/spool/instance1 failed, exit status 255 ('what?')",
    });
  });

  it('quotes the line that says most, not the summary of rsync', () => {
    const stderr = `ssh: connect to host pilos port 22: Connection refused\r\n${code255}`;
    expect(explainFailure({ exitCode: 255, stderr }, facts).message).toBe(
      "pilos refuses the connection (rsync: 'ssh: connect to host pilos port 22: Connection refused')",
    );
  });

  it.each([
    'rsync: [sender] safe_write failed to write 4 bytes to socket: Broken pipe (32)',
    'rsync: connection unexpectedly closed (0 bytes received so far) [sender]',
  ])('quotes the line that decides, also when one of the two processes of rsync says "%s" last', (later) => {
    const stderr = `rsync: [sender] Failed to exec /opt/ssh: No such file or directory (2)\nrsync error: x\n${later}\nrsync error: y\n`;
    expect(explainFailure({ exitCode: 14, stderr }, facts)).toMatchObject({
      code: 'ssh_missing',
      message: expect.stringContaining("(rsync: 'rsync: [sender] Failed to exec /opt/ssh: No such file"),
    });
  });

  it('shows what another host sends without its control characters', () => {
    const stderr = `\u001b[2Jgone\rx\n${code255}`;
    expect(explainFailure({ exitCode: 255, stderr }, facts).message).toContain("'\\x1b[2Jgone\\x0dx'");
  });

  it('reports the exit status when nothing is said', () => {
    expect(explainFailure({ exitCode: 23, stderr: '\n' }, facts).message).toBe(
      'rsync could not write to pilos:/spool/instance1 (rsync: exit status 23)',
    );
  });

  it('reports exit status and signal of what it does not know', () => {
    expect(explainFailure({ exitCode: 42, stderr: '' }, facts)).toMatchObject({
      message: "rsync to pilos:/spool/instance1 failed, exit status 42 ('')",
      retryable: true,
    });
    expect(explainFailure({ signal: 'SIGKILL', stderr: '' }, facts)).toMatchObject({
      message: "rsync to pilos:/spool/instance1 failed, killed by SIGKILL ('')",
      retryable: false,
    });
  });
});
