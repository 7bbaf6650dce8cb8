/** Which configuration files are read. */

export interface ConfigChoice {
  /** `--config`, else `$PILOS_POST_PUBLISH_CONFIG`, else where PILOS documents it. */
  config?: string | undefined;
  /** `--bbb-config`, else `$PILOS_POST_PUBLISH_BBB_CONFIG`, else BBB's two files. */
  bbbConfig?: string[] | undefined;
}

const defaultPilosFile = '/etc/bigbluebutton/recording/pilos.yml';
export const defaultBbbFile = '/usr/local/bigbluebutton/core/scripts/bigbluebutton.yml';
export const defaultBbbOverride = '/etc/bigbluebutton/recording/recording.yml';

/** The `pilos.yml` that is read. */
export function chosenPilosFile(choice: ConfigChoice, environment: NodeJS.ProcessEnv): string {
  return choice.config ?? (environment['PILOS_POST_PUBLISH_CONFIG'] || defaultPilosFile);
}

/** BBB's configuration files that are read, apart from the override of the default one. */
export function chosenBbbFiles(choice: ConfigChoice, environment: NodeJS.ProcessEnv): string[] {
  if (choice.bbbConfig !== undefined && choice.bbbConfig.length > 0) return choice.bbbConfig;
  const listed = (environment['PILOS_POST_PUBLISH_BBB_CONFIG'] ?? '')
    .split(':')
    .filter((file) => file !== '');
  return listed.length > 0 ? listed : [defaultBbbFile];
}
