/** The environment of rsync and ssh. */

/** rsync's own variables change what it does (`RSYNC_RSH` runs a command); its messages are read in English. */
export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(?:RSYNC_.*|LANG|LANGUAGE|LC_.*|NODE_OPTIONS)$/.test(name),
  );
  // Without one, rsync would ask on the terminal, and wait for ever; the file of --password-file still wins.
  return { ...Object.fromEntries(kept), LC_ALL: 'C', RSYNC_PASSWORD: '' };
}
