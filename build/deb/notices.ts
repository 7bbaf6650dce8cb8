/** The licences of what the executable contains, which ask to be told with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory, readNodePackage } from '../project.ts';

interface LockedPackage {
  version: string;
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
}

export function readNotices(): string {
  const lock = JSON.parse(readFileSync(join(projectDirectory, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const shipped = Object.entries(lock.packages).filter(
    ([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional,
  );
  const notices = shipped.map(([path, { version }]) => {
    const name = path.split('node_modules/').at(-1) ?? '';
    return formatNotice(`${name} ${version}`, readLicences(join(projectDirectory, path)));
  });
  return [readNodeNotice(), ...notices].join('\n');
}

/** The package of the machine's own architecture is installed; the text is the same in both. */
function readNodeNotice(): string {
  const { name, version } = readNodePackage('x64');
  const directories = [name, readNodePackage('arm64').name].map((one) =>
    join(projectDirectory, 'node_modules', one),
  );
  const directory = directories.find((one) => existsSync(one));
  if (directory === undefined) throw new Error('npm has not installed the package node-linux-*');
  return formatNotice(`Node.js ${version}`, readLicences(directory));
}

function readLicences(directory: string): string {
  const files = readdirSync(directory).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name));
  if (files.length > 0)
    return files.map((name) => readFileSync(join(directory, name), 'utf8').trim()).join('\n\n');
  const { license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    license?: string;
  };
  if (license === undefined) throw new Error(`${directory}: no licence is told`);
  return `Licence: ${license} (the package has no text of it)`;
}

function formatNotice(title: string, text: string): string {
  return `${title}\n${'='.repeat(title.length)}\n\n${text}\n`;
}
