// What Node's executable starts: the bundle, with the code that V8 has compiled of it before (code-cache.ts).
const { getRawAsset } = require('node:sea');
const { Script } = require('node:vm');

const source = Buffer.from(getRawAsset('program')).latin1Slice();
const cachedData = Buffer.from(getRawAsset('code-cache'));
const program = new Script(source, { filename: __filename, cachedData });
program.runInThisContext()(require, module, __filename);
