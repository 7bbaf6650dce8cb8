/** The files that `install` writes. They are part of the executable, which is all that an admin downloads. */
import { readFileSync } from 'node:fs';

const sources = {
  launcher: 'build/launcher/pilos_post_publish.rb',
  configuration: 'examples/pilos.yml',
  service: 'examples/systemd/pilos-post-publish.service',
  timer: 'examples/systemd/pilos-post-publish.timer',
  checkService: 'examples/systemd/pilos-post-publish-check.service',
  checkTimer: 'examples/systemd/pilos-post-publish-check.timer',
  logrotate: 'examples/logrotate/pilos-post-publish',
};

type EmbeddedFiles = Record<keyof typeof sources, string>;

declare const __EMBEDDED_FILES__: EmbeddedFiles | undefined;

/** Their contents: from the bundle, or in a checkout from the sources. */
export function readEmbeddedFiles(): EmbeddedFiles {
  if (typeof __EMBEDDED_FILES__ === 'object') return __EMBEDDED_FILES__;
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const contents = Object.entries(sources).map(([name, path]) => [name, read(path)]);
  return Object.fromEntries(contents) as EmbeddedFiles;
}
