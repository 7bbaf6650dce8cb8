/** Memory that a run does not need. */
import { setFlagsFromString } from 'node:v8';

/**
 * What takes long here is system calls: a larger young generation gains nothing and takes 10 MB, nor does optimized code,
 * whose compiler takes 6 MB. Set when the program is loaded: from then on V8 takes no code cache any more, which at the
 * start costs every call of BBB 5 ms.
 */
export function saveMemory(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-opt');
}
