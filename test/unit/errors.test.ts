import { openSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { EXIT, ExpectedError, exitStatusOf } from '../../hook/errors.ts';
import {
  errnoName,
  isSystemError,
  translateErrno,
  withErrnoTranslated,
  withErrnoTranslatedAsync,
} from '../../hook/system/errno.ts';
import { describeError, escapeText, quote } from '../../hook/terminal/escape.ts';
import { useTemporaryDirectory } from '../support/files/temporary-directory.ts';
import { expectedErrorOf, expectedRejectionOf } from '../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

/** As `node:fs` throws it; `code` is the text that Node 24 has for this errno. */
function systemError(errno: number, code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: write`), { errno: -errno, code, syscall: 'write' });
}

function thrown(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe('errnoName', () => {
  it('names what the operating system answered', () => {
    expect(errnoName(thrown(() => readFileSync(`${directory.path}/missing`)))).toBe('ENOENT');
    expect(errnoName(thrown(() => readFileSync(directory.path)))).toBe('EISDIR');
  });

  it.each([
    // EWOULDBLOCK and EOPNOTSUPP are other names for the same numbers.
    [11, 'EAGAIN'],
    [95, 'ENOTSUP'],
    [constants.errno.ESTALE, 'ESTALE'],
    [constants.errno.EDQUOT, 'EDQUOT'],
  ])('goes by the number %i where Node knows no name', (errno, name) => {
    expect(errnoName(systemError(errno, `Unknown system error -${errno}`))).toBe(name);
  });

  it('keeps the code of errors that are none of the operating system', () => {
    expect(errnoName(thrown(() => openSync('/tmp/\0', 'r')))).toBe('ERR_INVALID_ARG_VALUE');
  });

  it.each([undefined, null, 'ENOENT', { code: 'ENOENT' }, new Error('ENOENT')])(
    'knows none in %j',
    (value) => {
      expect(errnoName(value)).toBeUndefined();
    },
  );
});

describe('translateErrno', () => {
  const cases: [keyof typeof constants.errno, number, string][] = [
    ['ENOSPC', EXIT.io, 'no space left on the device'],
    ['EDQUOT', EXIT.io, 'the disk quota is used up'],
    ['EFBIG', EXIT.io, 'the file would be larger than allowed'],
    ['EROFS', EXIT.io, 'the file system is read-only'],
    ['EACCES', EXIT.permission, 'permission denied'],
    ['EPERM', EXIT.permission, 'operation not permitted'],
    ['EIO', EXIT.io, 'input/output error'],
    ['ESTALE', EXIT.temporary, 'stale file handle'],
    ['EMFILE', EXIT.temporary, 'too many open files'],
    ['ENFILE', EXIT.temporary, 'too many open files on this machine'],
    ['ENOMEM', EXIT.temporary, 'not enough memory'],
    ['ETIMEDOUT', EXIT.temporary, 'the file server does not answer'],
    ['ENOTCONN', EXIT.temporary, 'the file server is not connected'],
    ['EBUSY', EXIT.temporary, 'it is in use'],
    ['ENAMETOOLONG', EXIT.data, 'the name is too long'],
    ['ELOOP', EXIT.data, 'too many symbolic links'],
    ['ENOTDIR', EXIT.config, 'it is not a directory'],
    ['EISDIR', EXIT.io, 'a directory is in its place'],
    ['ENOTEMPTY', EXIT.io, 'a directory is in its place'],
  ];

  it.each(cases)('reports %s with exit status %i as "%s", and what to do', (name, exitStatus, meaning) => {
    const number = constants.errno[name];
    const cause = systemError(number, `Unknown system error -${number}`);
    const error = translateErrno(cause, 'cannot write /mnt/spool/x');
    expect(error).toBeInstanceOf(ExpectedError);
    expect(error).toMatchObject({ exitStatus, cause });
    expect((error as ExpectedError).message).toBe(`cannot write /mnt/spool/x: ${meaning} (${name})`);
    expect((error as ExpectedError).fix).not.toBe('');
  });

  it('names an errno that it has no words for, as an input/output error', () => {
    const error = translateErrno(systemError(constants.errno.EXDEV, 'EXDEV'), 'cannot rename x');
    expect(error).toMatchObject({ message: 'cannot rename x: EXDEV (write)', exitStatus: EXIT.io });
  });

  it('knows what else would fail in the same way, when it is given', () => {
    const full = systemError(constants.errno.ENOSPC, 'ENOSPC');
    const strange = systemError(constants.errno.EXDEV, 'EXDEV');
    expect(translateErrno(full, 'cannot write x')).toMatchObject({ scope: 'recording' });
    for (const error of [full, strange])
      expect(translateErrno(error, 'cannot write x', 'spool')).toMatchObject({ scope: 'spool' });
  });

  it('leaves bugs and errors that are already translated as they are', () => {
    const bug = new TypeError('x is not a function');
    const said = new ExpectedError('full', {
      code: 'spool_full',
      exitStatus: EXIT.spool,
      fix: 'free some space',
    });
    expect(translateErrno(bug, 'cannot write')).toBe(bug);
    expect(translateErrno(said, 'cannot write')).toBe(said);
    expect(translateErrno('text', 'cannot write')).toBe('text');
  });

  it('does not take the refusal of an argument by Node for an answer of the system', () => {
    const error = thrown(() => openSync('/tmp/\0', 'r'));
    expect(isSystemError(error)).toBe(false);
    expect(translateErrno(error, 'cannot open')).toBe(error);
  });
});

describe('withErrnoTranslated', () => {
  const read = () => readdirSync(`${directory.path}/file`);

  it('translates what the action throws, and returns what it returns', async () => {
    directory.write('file', '');
    expect(expectedErrorOf(() => withErrnoTranslated('cannot list it', read)).message).toBe(
      'cannot list it: it is not a directory (ENOTDIR)',
    );
    expect(withErrnoTranslated('cannot list it', () => readdirSync(directory.path))).toEqual(['file']);
  });

  it('does the same for a promise', async () => {
    directory.write('file', '');
    const error = await expectedRejectionOf(withErrnoTranslatedAsync('cannot list it', async () => read()));
    expect(error.exitStatus).toBe(EXIT.config);
    expect(await withErrnoTranslatedAsync('cannot', async () => 1)).toBe(1);
  });
});

describe('escapeText', () => {
  it.each([
    ['newline', 'a\nb', 'a\\x0ab'],
    ['carriage return', 'a\rb', 'a\\x0db'],
    ['tab', 'a\tb', 'a\\x09b'],
    ['NUL', 'a\0b', 'a\\x00b'],
    ['a sequence that clears the terminal', '\u001b[2J', '\\x1b[2J'],
    ['delete', '\u007f', '\\x7f'],
    ['the one-byte CSI of C1', '\u009b31m', '\\x9b31m'],
    ['next line of C1', '\u0085', '\\x85'],
    ['soft hyphen', 'a\u00adb', 'a\\xadb'],
    ['right-to-left override', '\u202efdp', '\\u{202e}fdp'],
    ['right-to-left isolate', '\u2067x', '\\u{2067}x'],
    ['zero-width space', '\u200b', '\\u{200b}'],
    ['byte order mark', '\ufeff', '\\u{feff}'],
    ['line separator', '\u2028', '\\u{2028}'],
    ['paragraph separator', '\u2029', '\\u{2029}'],
    ['half a surrogate pair', '\ud83c', '\\u{d83c}'],
    ['an invisible tag character', '\u{e0041}', '\\u{e0041}'],
    ['the sign of bytes that were no UTF-8', '\ufffd', '\\u{fffd}'],
  ])('writes a %s so that it does nothing', (_, text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it.each(['Übung mit Umlauten', '漢字', '🎉', 'it\'s "quoted" \\ & <ok>', ''])('leaves %j alone', (text) => {
    expect(escapeText(text)).toBe(text);
  });
});

describe('quote', () => {
  it('cuts what would fill the log', () => {
    expect(quote('x'.repeat(1_000_000))).toBe(`'${'x'.repeat(200)}…'`);
    expect(quote('x'.repeat(200))).toBe(`'${'x'.repeat(200)}'`);
  });
});

describe('describeError', () => {
  it('reports an expected error in one line with its fix', () => {
    const error = new ExpectedError("no 'a\nb'", { code: 'x', exitStatus: EXIT.data, fix: 'rename it' });
    expect(describeError(error)).toBe("no 'a\\x0ab': rename it");
    expect(exitStatusOf(error)).toBe(65);
  });

  it.each([new TypeError('x\ny'), 'text', undefined])(
    'asks to report %s as a bug, exit status 70',
    (error) => {
      expect(describeError(error)).toMatch(/^a bug in pilos-post-publish: [^\n]*: report it [^\n]*$/);
      expect(exitStatusOf(error)).toBe(70);
    },
  );
});
