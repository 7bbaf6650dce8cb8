/** A meeting of the tests: what is asked for, and what was made. */

export interface MeetingOptions {
  /** 40 hex digits, `-`, 13 digits by default. */
  id?: string;
  /** Value of `bbb-origin`; false leaves the attribute out. */
  origin?: string | false;
  /** Value of `pilos-sub-spool-dir`, `''` when PILOS has none. */
  subDir?: string;
  name?: string;
  /** The front end's own id of the meeting: a UUID by default, and in PILOS another one each time. */
  externalId?: string;
  formats?: string[];
  /** Break timestamps (milliseconds since 1970) of a meeting recorded in segments, each published on its own. */
  segments?: number[];
  /** 'normal', the file's whole text, or false for a file that BBB's cron job has deleted. */
  eventsXml?: 'normal' | string | false;
  /** Bytes that `events.xml` has at least; BBB writes hundreds of MB for a long meeting. */
  eventsSize?: number;
  /** Further files in every published format: path relative to it → content. */
  files?: Record<string, string | Buffer>;
}

export interface Meeting {
  id: string;
  /** The names under `published/<format>/`: the id, or one for each segment. */
  publishedIds: string[];
  formats: string[];
  name: string;
  /** What PILOS knows the meeting by. */
  externalId: string;
  /** Milliseconds since 1970. */
  startTime: number;
  endTime: number;
  eventsFile: string;
  /** The published directory of a format; of the first segment when there are several. */
  published: (format: string, publishedId?: string) => string;
}
