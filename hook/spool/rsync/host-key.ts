/** A host key that has changed: which key was known, which one comes now, and how to accept it after comparing. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { shellQuote } from '../../system/shell-quote.ts';

/** What ssh says of a changed host key → what to do; never to accept it unseen. */
export function explainChangedKey(said: string, host: string): string {
  const [, type, file, line] = /^Offending (\S+) key in (.+):(\d+)\r?$/m.exec(said) ?? [];
  const [, now] = /^(SHA256:[A-Za-z0-9+/]+)\.?\r?$/m.exec(said) ?? [];
  const before = file === undefined ? undefined : readFingerprint(file, Number(line));
  const known = before === undefined ? '' : `known is ${before}; `;
  const comes = now === undefined ? '' : `now it sends ${now}; `;
  const keyFile = `/etc/ssh/ssh_host_${(type ?? 'ed25519').toLowerCase()}_key.pub`;
  return (
    `${known}${comes}compare with 'ssh-keygen -lf ${keyFile}' run on ${host}. Only if that is the one it sends: ` +
    `${removal(said, host)}, then connect once as the user bigbluebutton (sudo -u bigbluebutton -H ssh ${host})`
  );
}

/** Debian's ssh names the command, with the name under which the key is known: an alias may have another. */
function removal(said: string, host: string): string {
  const [, file, name] = /^\s*ssh-keygen -f ["'](.+?)["'] -R ["'](.+?)["']\r?$/m.exec(said) ?? [];
  const words = file === undefined || name === undefined ? ['-R', host] : ['-f', file, '-R', name];
  return shellQuote(['sudo', '-u', 'bigbluebutton', 'ssh-keygen', ...words]);
}

/** As ssh-keygen(1) prints it; undefined when the line cannot be read. */
function readFingerprint(file: string, line: number): string | undefined {
  try {
    const words = (readFileSync(file, 'utf8').split('\n')[line - 1] ?? '').split(' ');
    const key = words.find((word) => word.startsWith('AAAA'));
    if (key === undefined) return undefined;
    const hash = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64');
    return `SHA256:${hash.replace(/=+$/, '')}`;
  } catch {
    return undefined;
  }
}
