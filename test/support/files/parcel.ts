/** A parcel for a spool, with what a test wants to be otherwise. */
import { writeSync } from 'node:fs';
import type { Parcel } from '../../../hook/spool/spool.ts';

export interface TestParcel extends Parcel {
  /** What the spool has warned of. */
  warnings: string[];
}

/** `content` under the name `m-1-video.tar`; `meanwhile` is called between two halves of it. */
export function createParcel(
  content: string,
  { meanwhile, ...more }: Partial<Parcel> & { meanwhile?: () => void } = {},
): TestParcel {
  const warnings: string[] = [];
  return {
    name: 'm-1-video.tar',
    size: Buffer.byteLength(content),
    subDir: '',
    write: async (target) => {
      const bytes = Buffer.from(content);
      const half = Math.floor(bytes.length / 2);
      writeSync(target, bytes, 0, half);
      meanwhile?.();
      writeSync(target, bytes, half);
    },
    signal: new AbortController().signal,
    warn: (message) => warnings.push(message),
    debug: () => undefined,
    ...more,
    warnings,
  };
}
