/** The observer that polls a spool as PILOS does, stopped also when a check fails. */

import { type ObserverReport, startObserver } from '../../support/program/observer.ts';
import type { Problems } from './scene.ts';
import type { Undo } from './undo.ts';

export interface Watch {
  /** Ends it; may be called again. */
  stop(): Promise<ObserverReport>;
  /** Ends it, and says which partial archives it has seen. */
  problems(): Promise<Problems>;
}

/** @param take unpacks and deletes each archive on sight, as an importer does */
export async function watchSpool(undo: Undo, directory: string, take = false): Promise<Watch> {
  // A poll each millisecond: one without a pause would take a processor from the program.
  const observer = await startObserver(directory, { take, pause: 1 });
  let report: Promise<ObserverReport> | undefined;
  const stop = () => {
    report ??= observer.stop();
    return report;
  };
  undo(stop);
  return {
    stop,
    problems: async () =>
      (await stop()).partial.map(({ name, problem }) => `seen by PILOS: ${name} ${problem}`),
  };
}
