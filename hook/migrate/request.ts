/** What the options of `migrate` ask for. */
import type { Config } from '../config/config.ts';
import { validateSubDir } from '../config/sub-dir.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import type { Run } from '../run.ts';
import { quote } from '../terminal/escape.ts';
import { parseDuration, parseMoment } from '../terminal/time-span.ts';
import type { PublicRule, Wanted } from './candidates.ts';
import type { PaceRules } from './decide-pace.ts';
import { readMeetingIds } from './meeting-ids.ts';
import { readMeetingMap } from './meeting-map.ts';

export interface MigrateRequest {
  /** Until PILOS has imported the last ones. */
  wait: boolean;
  /** A file of external meeting ids. */
  meetingIds: string | undefined;
  origins: string[];
  /** Trees to search; none: this server's `published_dir`. */
  from: string[];
  subDir: string;
  since: string | undefined;
  until: string | undefined;
  limit: number | undefined;
  /** A file of ids in the recordings, and the ids in PILOS. */
  map: string | undefined;
  /** Everyone may see all of it in PILOS. */
  public: boolean;
  /** `KEY=VALUE` in the metadata of those that everyone may see. */
  publicWhen: string[];
  /** Also what was sent before. */
  again: boolean;
  /** Also what PILOS has refused. */
  refused: boolean;
  maxWaiting: number;
  pause: string;
  patience: string;
  dryRun: boolean;
  quiet: boolean;
}

/** Read before root becomes `bigbluebutton`: the file is the admin's. */
export function readWanted(request: MigrateRequest, now: number, { log }: Run): Wanted {
  const moment = (option: string, value: string | undefined) =>
    value === undefined ? undefined : parseMoment(option, value, now);
  const [since, until] = [moment('--since', request.since), moment('--until', request.until)];
  const { meetingIds, origins } = request;
  const map = request.map === undefined ? undefined : readMeetingMap(request.map);
  if (meetingIds === undefined && origins.length === 0 && map === undefined) {
    throw new ExpectedError('nothing says which recordings to migrate', {
      code: 'nothing_selected',
      exitStatus: EXIT.usage,
      fix: "give --meeting-ids FILE, with the ids of the rooms that PILOS has, or --origin Greenlight; see 'pilos-post-publish migrate --help'",
    });
  }
  if (meetingIds === undefined) return { ids: undefined, origins, since, until, map };
  const { ids, repeated } = readMeetingIds(meetingIds);
  if (repeated > 0) log.info(`${meetingIds} names ${ids.size} ids, and repeats ${repeated} of them`);
  return { ids, origins, since, until, map };
}

export function readPublicRule({ public: isAll, publicWhen }: MigrateRequest): PublicRule {
  if (isAll) return 'all';
  return publicWhen.map((text) => {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    if (key !== '') return { key, value };
    throw new ExpectedError(`--public-when ${quote(text)} is not KEY=VALUE`, {
      code: 'public_when_invalid',
      exitStatus: EXIT.usage,
      fix: "name a key of the metadata and its value, such as 'gl-listed=true'",
    });
  });
}

export function readRules({ maxWaiting, pause, patience }: MigrateRequest): PaceRules {
  return {
    maxWaiting,
    pause: parseDuration('--pause', pause),
    patience: parseDuration('--patience', patience),
  };
}

export function validateSubDirOption(subDir: string, { allowedSubDirs }: Config): string {
  if (!(attempt(() => validateSubDir(subDir, allowedSubDirs)) instanceof ExpectedError)) return subDir;
  const isListed = allowedSubDirs === undefined || allowedSubDirs.includes(subDir);
  throw new ExpectedError(`--sub-dir ${quote(subDir)} is not allowed`, {
    code: 'sub_dir_not_allowed',
    exitStatus: EXIT.usage,
    fix: isListed
      ? "write it as PILOS has it in RECORDING_SPOOL_SUB_DIRECTORY: letters, digits, '.', '_', '-' and '/'"
      : 'use one that allowed_sub_dirs in pilos.yml lists, or add it there',
  });
}
