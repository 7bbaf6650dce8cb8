// Runs the program once, and writes what V8 has compiled of it: PROGRAM CODE_CACHE PUBLISHED_DIR ARGUMENTS...
const { readFileSync, statSync, writeFileSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');

const [node, , file, codeCache, publishedDir, ...words] = process.argv;
// They leave a mark on what they have compiled, as fast as the machine is at the moment.
const compilers = ['sparkplug', 'maglev', 'opt'];
for (const compiler of compilers) setFlagsFromString(`--no-${compiler}`);
// The name becomes part of the cache.
const program = new Script(readFileSync(file, 'latin1'), { filename: 'program' });
process.argv = [node, node, ...words];
// The way of BBB's user, whoever builds: the same functions are compiled then.
const { uid } = statSync(publishedDir);
process.getuid = () => uid;
process.once('exit', () => {
  // A cache is good for the flags that it was made with.
  for (const compiler of compilers) setFlagsFromString(`--${compiler}`);
  writeFileSync(codeCache, program.createCachedData());
});
program.runInThisContext()(require, module, node);
