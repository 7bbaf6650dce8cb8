/** hook/delivery/state.ts: what a ledger entry and the published files say together. */

import { describe, expect, it } from 'vitest';
import type { Attempt, Delivery, ImportState, LedgerEntry } from '../../../hook/delivery/ledger-entry.ts';
import { type ContentFacts, type DeliveryState, deliveryState } from '../../../hook/delivery/state.ts';
import { createRunToken } from '../../../hook/system/run-token.ts';
import { formatOf, meetingIdOf, recordIdOf } from '../../support/bbb/ids.ts';

const delivery: Delivery = {
  at: '2024-04-10T14:19:11.753Z',
  bytes: 10_240,
  seconds: 1.5,
  destination: '/mnt/spool',
  name: 'm-1-video.tar',
  fingerprint: 'f',
  stamp: 's',
};

describe('deliveryState', () => {
  const failed: Attempt = { at: delivery.at, seconds: 1, result: 'failed' };
  const sent: Attempt = { at: delivery.at, seconds: 1, result: 'delivered' };
  const key = { meeting_id: meetingIdOf('m-1'), record_id: recordIdOf('m-1'), format: formatOf('video') };
  const entry = (state: ImportState | undefined, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
    ...key,
    delivered: state === undefined ? delivery : { ...delivery, import: { state, at: delivery.at } },
    attempts: [sent],
    ...more,
  });
  const nothing = (more: Partial<LedgerEntry>): LedgerEntry => ({ ...key, attempts: [], ...more });
  const alive = { since: delivery.at, run: createRunToken() };
  const dead = { since: delivery.at, run: createRunToken().replace(/\.\d+\.\d+\./, '.1.1.') };
  const same = { isSame: true, isCovered: false, isReplaced: false };
  const changed = { ...same, isSame: false };
  const waiting = delivery.at;

  it.each<[string, LedgerEntry | undefined, ContentFacts, DeliveryState]>([
    ['nothing is known', undefined, changed, 'waiting'],
    ['an earlier -sender.done covers it', undefined, { ...changed, isCovered: true }, 'adopted'],
    ['that was noted', nothing({ adopted: waiting }), changed, 'adopted'],
    ['that was noted, and somebody asks for it', nothing({ adopted: waiting, waiting }), changed, 'waiting'],
    [
      'that was noted, and sending it failed',
      nothing({ adopted: waiting, attempts: [failed] }),
      changed,
      'failed',
    ],
    ['it is asked for', nothing({ waiting }), changed, 'waiting'],
    ['the only try failed', nothing({ attempts: [failed] }), changed, 'failed'],
    ['it failed, and is asked for again', nothing({ attempts: [failed], waiting }), changed, 'waiting'],
    ['a run sends it', nothing({ sending: alive, waiting }), changed, 'sending'],
    ['a killed run has sent it', nothing({ sending: dead, waiting }), changed, 'waiting'],
    ['it was delivered', entry('delivered'), same, 'delivered'],
    ['it was delivered by version 1.0.0', entry(undefined), same, 'delivered'],
    ['PILOS has it', entry('imported'), same, 'imported'],
    ['PILOS took it', entry('taken'), same, 'taken'],
    ['PILOS refused it', entry('refused'), same, 'refused'],
    ['PILOS refused it, and it is asked for again', entry('refused', { waiting }), same, 'waiting'],
    [
      'PILOS has it, and a repetition failed',
      entry('imported', { attempts: [sent, failed] }),
      same,
      'imported',
    ],
    [
      'PILOS refused it, and a repetition failed',
      entry('refused', { attempts: [sent, failed] }),
      same,
      'refused',
    ],
    ['PILOS has an earlier version', entry('imported'), changed, 'outdated'],
    ['PILOS took an earlier version', entry('taken'), changed, 'outdated'],
    [
      'PILOS has an earlier version, and replaces it',
      entry('imported'),
      { ...changed, isReplaced: true },
      'waiting',
    ],
    [
      'PILOS has an earlier version, and this one is asked for',
      entry('imported', { waiting }),
      changed,
      'waiting',
    ],
    ['an earlier version lies in the spool', entry('delivered'), changed, 'waiting'],
    ['an earlier version was refused', entry('refused'), changed, 'waiting'],
    [
      'an earlier version lies there, and this one failed',
      entry('delivered', { attempts: [sent, failed] }),
      changed,
      'failed',
    ],
  ])('when %s', (_, known, content, state) => {
    expect(deliveryState(known, content)).toBe(state);
  });
});
