/** Where the parts of an installation lie on a BBB server. */
export const scriptsDirectory = '/usr/local/bigbluebutton/core/scripts';
export const installedExecutable = `${scriptsDirectory}/post_publish/pilos-post-publish`;
export const launcher = `${scriptsDirectory}/post_publish/pilos_post_publish.rb`;
export const timerName = 'pilos-post-publish.timer';
const serviceName = 'pilos-post-publish.service';
/** There as long as the Debian package is installed, also when a unit or a program of it is lost. */
export const packageNote = '/usr/share/doc/pilos-post-publish/copyright';

export const places = {
  link: '/usr/local/bin/pilos-post-publish',
  configuration: '/etc/bigbluebutton/recording/pilos.yml',
  service: `/etc/systemd/system/${serviceName}`,
  timer: `/etc/systemd/system/${timerName}`,
  /** systemd's note of when the timer ran last. */
  timerStamp: `/var/lib/systemd/timers/stamp-${timerName}`,
  logrotate: '/etc/logrotate.d/pilos-post-publish',
};
