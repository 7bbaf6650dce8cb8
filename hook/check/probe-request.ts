/** How `check` asks a process of its own to touch the spool. */

/** In its environment, `check` finds the request of the check that has started it; never set by anybody else. */
export const probeVariable = 'PILOS_POST_PUBLISH_PROBE';

export interface ProbeRequest {
  directory: string;
  requireMount: boolean | string;
  /** Sub directories that meetings ask for, validated. */
  subDirs: string[];
}
