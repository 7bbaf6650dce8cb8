/** Our launcher, of this version or the first one, is distinguished from every other script of that name. */
import { expect, it } from 'vitest';
import { readEmbeddedFiles } from '../../../hook/install/embedded-files.ts';
import { isLauncher } from '../../../hook/install/launcher.ts';

const first = `#!/usr/bin/ruby --disable-gems
executable = File.join(File.dirname(File.realpath(__FILE__)), 'pilos-post-publish')
exec({ 'NODE_OPTIONS' => nil }, [executable, executable], *ARGV)
`;

it.each([
  ['of this version', readEmbeddedFiles().launcher, true],
  ['that execs', first, true],
  ["that is PILOS' script", "#!/usr/bin/ruby\nrequire 'yaml'\nYAML.load_file('pilos.yml')\n", false],
  ['that calls us for its own ends', "system('pilos-post-publish', 'status')\n", false],
  ['that is empty', '', false],
])('a launcher %s', (_, text, expected) => {
  expect(isLauncher(text)).toBe(expected);
});
