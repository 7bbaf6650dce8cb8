/** Names, lengths and sizes that have broken archivers; `awkward-names.ts` makes files of them. */

/** Names of files, as text or, when they are not UTF-8, as bytes. */
export const awkwardNames: readonly (string | Buffer)[] = [
  ...[
    'Übung.txt',
    'a\u0308 decomposed',
    '🎉 emoji 👩‍🏫.png',
    '漢字',
    'two words',
    ' leading space',
    'trailing space ',
  ],
  ...[
    ' ',
    'two\nlines',
    '\n',
    'tab\there',
    'carriage\rreturn',
    'bell\u0007',
    '\u001b[31mred',
    '\u0001',
    'delete\u007f',
  ],
  ...[
    'double"quote',
    "single'quote",
    'back\\slash',
    '..\\up',
    '`backquote`',
    '$(touch x)',
    'a;b|c&d<e>f',
    '%s%n',
  ],
  ...['*', '?', '[a-z]', '{a,b}', '~', '#hash', '!bang', 'a:b', 'host::module', 'phar:', '=', '@', '+', ','],
  ...[
    '-',
    '--',
    '-rf',
    '--rsh=touch x',
    '--checkpoint-action=exec=sh',
    '.hidden',
    '..two',
    '...',
    '.phar.txt',
  ],
  ...[
    '@LongLink',
    'PaxHeader',
    'pax_global_header',
    'GNUSparseFile.0',
    '<?php',
    '__HALT_COMPILER();',
    'x.tar',
  ],
  Buffer.from('latin1 \xe4\xf6\xfc', 'latin1'),
  Buffer.from('\xff\xfe\x80', 'latin1'),
  Buffer.from('cut emoji \xf0\x9f\x8e', 'latin1'),
];

/** Lengths, in bytes, around the limits of the tar formats and of Linux. */
export const nameLengths: readonly number[] = [99, 100, 101, 254, 255];
export const pathLengths: readonly number[] = [
  98, 99, 100, 101, 102, 154, 155, 156, 255, 256, 257, 510, 511, 512, 513, 999, 1000,
];
export const fileSizes: readonly number[] = [0, 1, 511, 512, 513, 10_240, 1_048_577];
