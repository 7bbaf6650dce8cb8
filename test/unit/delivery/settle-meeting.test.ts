/** When `-sender.done` may be there: Scalelite's prune script, and ours, delete what it stands for. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FormatState } from '../../../hook/bbb/format-states.ts';
import { senderDoneFile, setSenderDone } from '../../../hook/bbb/sender-done.ts';
import { outstanding } from '../../../hook/delivery/settle-meeting.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

describe('outstanding', () => {
  /** `video:published+` is published and delivered, `video:published` not delivered. */
  const outstandingOf = (...written: string[]) => {
    const states = written.map((text): FormatState & { isDelivered: boolean } => {
      const [format = '', state = ''] = text.split(':');
      return {
        recordId: 'm-1',
        format,
        state: state.replace('+', '') as FormatState['state'],
        isDelivered: state.endsWith('+'),
      };
    });
    const isDelivered = (state: FormatState) => states.some((one) => one === state && one.isDelivered);
    return outstanding(states, isDelivered).map(({ format }) => format);
  };

  it.each([
    ['the only format is delivered', ['video:published+'], []],
    ['the only format is not delivered', ['video:published'], ['video']],
    [
      'the first of two is delivered, BBB works on the other',
      ['notes:published+', 'video:processing'],
      ['video'],
    ],
    [
      'the first of two is delivered, the other is published',
      ['notes:published+', 'video:published'],
      ['video'],
    ],
    ['both are delivered', ['notes:published+', 'video:published+'], []],
    ['one is delivered, the other failed in BBB', ['notes:published+', 'video:failed'], []],
    ['all failed in BBB', ['notes:failed', 'video:failed'], []],
    ['one is delivered, the other came into the steps later', ['notes:published+', 'video:not made'], []],
    ['BBB works on both', ['notes:processing', 'video:processing'], ['notes', 'video']],
    ['one of three is left', ['a:published+', 'b:failed', 'c:published'], ['c']],
    ['there is no format at all', [], []],
  ])('when %s', (_, states, left) => {
    expect(outstandingOf(...states)).toEqual(left);
  });
});

describe('setSenderDone', () => {
  const set = (isDone: boolean) => setSenderDone(directory.path, 'm-1', isDone);
  const file = () => senderDoneFile(directory.path, 'm-1');

  it('writes what the scripts of PILOS and Scalelite write, where they write it', () => {
    directory.makeDirectory('status/published');
    expect(set(true)).toBe(true);
    expect(file()).toBe(`${directory.path}/status/published/m-1-sender.done`);
    expect(readFileSync(file(), 'utf8')).toBe('Published m-1');
  });

  it('says whether that changed something, and leaves a file alone that is there', () => {
    directory.write('status/published/m-1-sender.done', "another script's");
    expect(set(true)).toBe(false);
    expect(readFileSync(file(), 'utf8')).toBe("another script's");
    expect(set(false)).toBe(true);
    expect(set(false)).toBe(false);
    expect(readdirSync(`${directory.path}/status/published`)).toEqual([]);
  });

  it('removes nothing but the file of this meeting', () => {
    directory.write('status/published/m-1-sender.done', '');
    directory.write('status/published/m-1-video.done', '');
    directory.write('status/published/m-12-sender.done', '');
    set(false);
    expect(readdirSync(`${directory.path}/status/published`).sort()).toEqual([
      'm-1-video.done',
      'm-12-sender.done',
    ]);
  });

  it('names the file when it cannot be written', async () => {
    directory.makeDirectory('status/published');
    chmodSync(directory.path, 0o755);
    const { error } = await runInChildNode(
      "const { setSenderDone } = await hook('bbb/sender-done'); setSenderDone(argument, 'm-1', true);",
      { argument: directory.path, uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toContain(`cannot write ${file()}: permission denied`);
  });

  it('names the file when something else is in place of its directory', () => {
    directory.makeDirectory('status');
    writeFileSync(`${directory.path}/status/published`, 'x');
    expect(expectedErrorOf(() => set(true)).message).toContain(`cannot write ${file()}`);
  });
});
