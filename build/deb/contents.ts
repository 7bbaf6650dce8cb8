/** What the package installs, and where. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readEmbeddedFiles } from '../../hook/install/embedded-files.ts';
import { installedExecutable } from '../../hook/install/layout.ts';
import { formatBashCompletion, formatZshCompletion } from '../completion.ts';
import { formatManPage } from '../man.ts';
import { programName, projectDirectory, readSourceDate } from '../project.ts';
import { formatChangelog } from './changelog.ts';
import { formatCopyright } from './control.ts';
import { readNotices } from './notices.ts';

export interface PackagedFile {
  /** Below the root directory, without a leading slash. */
  path: string;
  mode: number;
  content: string | Buffer | { copyOf: string } | { linkTo: string };
  /** dpkg keeps an admin's changes to it. */
  isConfiguration?: boolean;
}

export function planContents({
  executable,
  version,
}: {
  executable: string;
  version: string;
}): PackagedFile[] {
  const files = readEmbeddedFiles();
  const program = installedExecutable.slice(1);
  const postPublish = program.slice(0, -programName.length - 1);
  return [
    { path: program, mode: 0o755, content: { copyOf: executable } },
    { path: `${postPublish}/pilos_post_publish.rb`, mode: 0o755, content: files.launcher },
    {
      path: `usr/bin/${programName}`,
      mode: 0o777,
      content: { linkTo: `../${program.slice('usr/'.length)}` },
    },
    text('etc/bigbluebutton/recording/pilos.yml', files.configuration, true),
    text(`etc/logrotate.d/${programName}`, files.logrotate, true),
    text(`usr/lib/systemd/system/${programName}.service`, files.service),
    text(`usr/lib/systemd/system/${programName}.timer`, files.timer),
    text(`usr/share/man/man1/${programName}.1.gz`, compress(formatManPage())),
    text(`usr/share/bash-completion/completions/${programName}`, formatBashCompletion()),
    text(`usr/share/zsh/vendor-completions/_${programName}`, formatZshCompletion()),
    text(`usr/share/lintian/overrides/${programName}`, readOwn('lintian-overrides')),
    ...planDocumentation(version),
  ];
}

function planDocumentation(version: string): PackagedFile[] {
  const read = (path: string) => readFileSync(join(projectDirectory, path), 'utf8');
  const directory = `usr/share/doc/${programName}`;
  const changelog = formatChangelog(read('CHANGELOG.md'), { version, date: readSourceDate() });
  const examples = ['authorized_keys', 'docker-compose.yml', 'pilos.yml', 'ssh_config'];
  return [
    text(`${directory}/copyright`, formatCopyright(read('LICENSE'))),
    text(`${directory}/third-party-notices.gz`, compress(readNotices())),
    text(`${directory}/changelog.gz`, compress(changelog)),
    text(`${directory}/README.Debian`, readOwn('README.Debian')),
    ...examples.map((name) => text(`${directory}/examples/${name}`, read(`examples/${name}`))),
  ];
}

function text(path: string, content: string | Buffer, isConfiguration = false): PackagedFile {
  return { path, mode: 0o644, content, isConfiguration };
}

/** Without a time in it, so that building again gives the same bytes. */
function compress(content: string): Buffer {
  return gzipSync(content, { level: 9 });
}

function readOwn(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}
