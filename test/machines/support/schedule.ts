/** How long it takes until a timer of the package has run: its interval and its random delay. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const units = join(import.meta.dirname, '../../../examples/systemd');

function read(name: string, key: string): string {
  const text = readFileSync(join(units, `${name}.timer`), 'utf8');
  return new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
}

/** Of the timer that delivers, in minutes. */
function deliverMinutes(): number {
  const [, interval] = /^\*:0\/(\d+)$/.exec(read('pilos-post-publish', 'OnCalendar')) ?? [];
  const [, delay] = /^(\d+)min$/.exec(read('pilos-post-publish', 'RandomizedDelaySec')) ?? [];
  return Number(interval) + Number(delay);
}

/** Of the timer that checks, in hours. */
function checkHours(): number {
  if (read('pilos-post-publish-check', 'OnCalendar') !== 'daily') throw new Error('check is not daily');
  return 24 + Number.parseInt(read('pilos-post-publish-check', 'RandomizedDelaySec'), 10);
}

export const after = {
  call: 'at once',
  deliver: `within ${deliverMinutes()} minutes`,
  check: `within ${checkHours()} hours`,
};
