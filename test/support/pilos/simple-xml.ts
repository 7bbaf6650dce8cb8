/** What SimpleXML, with which PILOS reads them, makes of `metadata.xml` files. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface ReadByPilos {
  id: string;
  meetingId: string;
  format: string;
  link: string;
  path: string;
}

/** For each document what PILOS reads of it, null where its import would throw. */
export function readWithSimpleXml(documents: readonly (string | Buffer)[]): (ReadByPilos | null)[] {
  const input = JSON.stringify(documents.map((document) => Buffer.from(document).toString('base64')));
  const script = join(import.meta.dirname, 'simple-xml.php');
  return JSON.parse(execFileSync('php', [script], { input, maxBuffer: 2 ** 30 }).toString());
}
