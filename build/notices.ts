/** The licences of what the executable contains, which want to be passed on with it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listBundledPackages } from './bundle.ts';
import { hostArchitecture, projectDirectory, readNodePackage } from './project.ts';

export async function formatNotices(): Promise<string> {
  // The licence of Node.js is the same for both architectures.
  const node = `node_modules/${readNodePackage(hostArchitecture()).name}`;
  return [node, ...(await listBundledPackages())].map(formatNotice).join('\n');
}

function formatNotice(directory: string): string {
  const path = join(projectDirectory, directory);
  const read = (file: string) => readFileSync(join(path, file), 'utf8').trim();
  const { name, version, license } = JSON.parse(read('package.json')) as Record<string, string>;
  const title = `${name?.startsWith('node-linux-') ? 'Node.js' : name} ${version}`;
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  if (files.length === 0 && license === undefined) throw new Error(`${directory} has no licence`);
  const text = files.length > 0 ? files.map(read).join('\n\n') : `Licence: ${license} (without a text)`;
  return `${title}\n${'='.repeat(title.length)}\n\n${text}\n`;
}
