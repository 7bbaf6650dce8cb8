/** The texts that dpkg and its readers want to know about the package. */
import { type Architecture, programName } from '../project.ts';

export const debianArchitectures: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };

/** Debian wants an address, and there is none: this top-level domain is reserved for saying so (RFC 2606). */
export const maintainer = 'The pilos-post-publish authors <nobody@pilos-post-publish.invalid>';

interface ControlFacts {
  architecture: Architecture;
  version: string;
  /** KiB. */
  installedSize: number;
}

export function formatControl({ architecture, version, installedSize }: ControlFacts): string {
  return `Package: ${programName}
Version: ${version}
Section: admin
Priority: optional
Architecture: ${debianArchitectures[architecture]}
Maintainer: ${maintainer}
Installed-Size: ${installedSize}
Depends: libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 7), init-system-helpers (>= 1.54~), ruby
Recommends: bbb-record-core, openssh-client, rsync
Suggests: logrotate
Description: move BigBlueButton recordings into the spool of PILOS
 BigBlueButton calls this program after each published format of a recording.
 Recordings of meetings that were made with PILOS are packed and moved into the
 spool directory that PILOS imports from: a mounted directory, a directory on
 another host over ssh, or one of an rsync daemon.
 .
 It takes the place of the script pilos_post_publish.rb that PILOS ships, and
 reads the same pilos.yml. What could not be delivered is tried again by a
 timer.
`;
}

/** Debian's format for machines to read, version 1.0. */
export function formatCopyright(licence: string): string {
  const [, years = '', text = ''] = /^MIT License\n\nCopyright \(c\) (.*?)\n\n(.*)$/s.exec(licence) ?? [];
  if (text === '') throw new Error('LICENSE is not the MIT licence in its usual form');
  const indented = text
    .trimEnd()
    .split('\n')
    .map((line) => ` ${line === '' ? '.' : line}`);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${programName}
Comment:
 The executable contains Node.js and packages from the npm registry. Their
 copyright holders and licences are in third-party-notices.gz beside this file.

Files: *
Copyright: ${years}
License: Expat
${indented.join('\n')}
`;
}
