/** When `-sender.done` may be there: Scalelite's prune script, and `prune`, delete what it stands for. */

import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { senderDoneFile, setSenderDone } from '../../../hook/bbb/sender-done.ts';
import { isOutstanding, type MeetingFormat } from '../../../hook/delivery/meeting-formats.ts';
import type { DeliveryState } from '../../../hook/delivery/state.ts';
import { formatOf, meetingIdOf, recordIdOf } from '../../support/bbb/ids.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

describe('isOutstanding', () => {
  /** `video:imported` is published and imported, `video:processing` is what BBB says. */
  const outstandingOf = (...written: string[]) =>
    written
      .map((text): MeetingFormat => {
        const [format = '', state = ''] = text.split(':');
        const states = ['processing', 'empty', 'failed_in_bbb', 'not_produced', 'unpublished', 'deleted'];
        const isBbb = states.includes(state);
        const bbb = (isBbb ? state : 'published') as MeetingFormat['bbb'];
        return {
          recordId: recordIdOf('m-1'),
          format: formatOf(format),
          bbb,
          delivery: isBbb ? undefined : (state as DeliveryState),
        };
      })
      .filter(isOutstanding)
      .map(({ format }) => format);

  it.each([
    ['PILOS has the only format', ['video:imported'], []],
    ['PILOS took the only format', ['video:taken'], []],
    ...(['waiting', 'sending', 'failed', 'delivered', 'refused', 'outdated'] as const).map(
      (state): [string, string[], string[]] => [`it is ${state}`, [`video:${state}`], ['video']],
    ),
    ['it is adopted', ['video:adopted'], []],
    ['PILOS has the first of two, BBB works on the other', ['notes:imported', 'video:processing'], ['video']],
    ['PILOS has the first of two, the other waits', ['notes:imported', 'video:waiting'], ['video']],
    ['PILOS has both', ['notes:imported', 'video:imported'], []],
    ['PILOS has one, the other failed in BBB', ['notes:imported', 'video:failed_in_bbb'], []],
    ['all failed in BBB', ['notes:failed_in_bbb', 'video:failed_in_bbb'], []],
    ['PILOS has one, the other came into the steps later', ['notes:imported', 'video:not_produced'], []],
    ['PILOS has one, the other is empty', ['notes:empty', 'video:imported'], []],
    ['PILOS has one, the others were moved away', ['a:unpublished', 'b:deleted', 'c:imported'], []],
    ['BBB works on both', ['notes:processing', 'video:processing'], ['notes', 'video']],
    ['one of three is left', ['a:imported', 'b:failed_in_bbb', 'c:delivered'], ['c']],
    ['there is no format at all', [], []],
  ])('when %s', (_, states, left) => {
    expect(outstandingOf(...states)).toEqual(left);
  });
});

describe('setSenderDone', () => {
  const set = (isDone: boolean) => setSenderDone(directory.path, meetingIdOf('m-1'), isDone);
  const file = () => senderDoneFile(directory.path, meetingIdOf('m-1'));

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
