/**
 * In whichever way host, ssh, rrsync, directory or disk fail, with whichever key, and whatever comes of what they say:
 * the right reason is reported, or one that names it among others. docs/link-failures.md shows the table; UPDATE=docs
 * writes it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectDirectory, readProjectFile } from '../../support/docs/pages.ts';
import { describeFailures } from '../../support/link/describe-failures.ts';
import { linkFailures } from '../../support/link/failures.ts';
import { createLinkHost, type LinkHost, wordings } from '../../support/link/link-host.ts';
import { type Tried, tryLinkCases, tryUntilHeard } from '../../support/link/try-link.ts';
import { createWithUndo } from '../../support/program/create-with-undo.ts';

let host: { value: LinkHost; remove: () => Promise<void> };
let tried: Tried[];
beforeAll(async () => {
  host = await createWithUndo(createLinkHost);
  const all = await Promise.all(wordings.map((wording) => tryLinkCases(host.value, wording)));
  tried = await tryUntilHeard(host.value, all.flat());
}, 600_000);
afterAll(() => host.remove());

describe.each(linkFailures)('when $what', (failure) => {
  it.each(wordings)('the right code is reported with every key, what is said being %s', (wording) => {
    const cases = tried.filter((one) => one.failure === failure && one.wording === wording);
    expect(cases.length).toBeGreaterThan(0);
    for (const { kind, size, code, exitStatus, message } of cases) {
      const reported = failure.reported[kind];
      const right = wording === 'lost' ? [reported?.lost, reported?.code] : [reported?.code];
      expect(right, `${kind} key, ${size} bytes: ${message}`).toContain(code);
      expect(exitStatus).toBeGreaterThan(0);
    }
  });
});

it('docs/link-failures.md has the table', () => {
  const page = 'docs/link-failures.md';
  const text = readProjectFile(page);
  const table = describeFailures(linkFailures);
  const updated = text.replace(/(<!-- failures -->\n).*(\n<!-- end -->)/s, `$1${table}$2`);
  if (process.env['UPDATE'] === 'docs') writeFileSync(join(projectDirectory, page), updated);
  else expect(text).toBe(updated);
});
