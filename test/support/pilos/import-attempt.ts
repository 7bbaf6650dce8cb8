/** What the importer reports of each try to import an archive. */

/** What PILOS read from one `metadata.xml`. Times are milliseconds since 1970. */
interface ImportedFormat {
  /** Where it was found, relative to the unpacked archive. */
  directory: string;
  /** Where PILOS keeps it: `<record id>/<format>` below its recordings, when all is well. */
  storedIn: string;
  /** False when something was there already: then this one is thrown away. */
  isMoved: boolean;
  id: string;
  startTime: number;
  endTime: number;
  meetingId: string;
  meetingName: string;
  format: string;
  link: string;
}

export interface ImportAttempt {
  /** Name in the spool, or `public/NAME`. */
  archive: string;
  /**
   * `imported`: deleted as a success. `exception`: tried again in the next round. `refused`: moved to `failed/`.
   * `gone`: what was tried before is no longer there.
   */
  result: 'imported' | 'exception' | 'refused' | 'gone';
  /** Why it was not imported. */
  reason: string | null;
  /** Those that were read before it failed, too. */
  formats: ImportedFormat[];
  /** False when the archive could not be deleted after it was imported. */
  isDeleted?: boolean;
  /** From the archive's last byte to this try, in seconds. */
  waited?: number;
  size?: number;
  seconds?: number;
}
