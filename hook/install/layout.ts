/** Where the parts of an installation lie on a BBB server. */
export const scriptsDirectory = '/usr/local/bigbluebutton/core/scripts';
export const programName = 'pilos-post-publish';
export const launcherName = 'pilos_post_publish.rb';
export const installedExecutable = `${scriptsDirectory}/post_publish/${programName}`;
export const launcher = `${scriptsDirectory}/post_publish/${launcherName}`;
export const timerName = 'pilos-post-publish.timer';
export const checkTimerName = 'pilos-post-publish-check.timer';
export const timerNames = [timerName, checkTimerName];
const unitDirectory = '/etc/systemd/system';
/** There as long as the Debian package is installed, also when a unit or a program of it is lost. */
export const packageNote = '/usr/share/doc/pilos-post-publish/copyright';

export const places = {
  link: '/usr/local/bin/pilos-post-publish',
  configuration: '/etc/bigbluebutton/recording/pilos.yml',
  timers: timerNames.map((name) => `${unitDirectory}/${name}`),
  services: timerNames.map((name) => `${unitDirectory}/${name.replace('.timer', '.service')}`),
  /** systemd's notes of when the timers ran last. */
  timerStamps: timerNames.map((name) => `/var/lib/systemd/timers/stamp-${name}`),
  logrotate: '/etc/logrotate.d/pilos-post-publish',
};
