/** The completions offer what `--help` says and what is published, in a real bash and a real zsh. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../../../build/bundle.ts';
import { projectDirectory } from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { type Help, readHelps } from '../../support/program/help.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
const completions = join(projectDirectory, 'build/completion');
const firstId = `${'a'.repeat(40)}-1712758751753`;
const secondId = `${'b'.repeat(40)}-1712758751754`;

const helps: Help[] = [];
let program = '';
beforeAll(async () => {
  program = await bundle();
  helps.push(...(await readHelps()));
  expect(helps.map(({ command }) => command)).toEqual(
    expect.arrayContaining(['deliver', 'install', 'uninstall']),
  );
});

/** In which the program is found, and two meetings that are published. */
const environment: Record<string, string> = {};
beforeEach(() => {
  const bundled = directory.write('program.cjs', program);
  // Without --help it is what zsh runs for a completed line.
  const script = `#!/bin/sh\ncase "$*" in *--help) exec ${process.execPath} ${bundled} "$@" ;; esac\necho "GOT<$*>"\n`;
  directory.write('bin/pilos-post-publish', script, 0o755);
  for (const path of [`presentation/${firstId}`, `presentation/${secondId}`, `video/${firstId}`])
    directory.write(`published/${path}/metadata.xml`, '');
  const shipped = directory.write('bigbluebutton.yml', 'published_dir: /nowhere\n');
  const override = directory.write('recording.yml', `published_dir: "${directory.path}/published"\n`);
  environment['PILOS_POST_PUBLISH_BBB_CONFIG'] = `${shipped}:${override}`;
  environment['PATH'] = `${directory.path}/bin:${process.env['PATH']}`;
});

describe('the completion for bash', () => {
  /** What bash offers for a line whose cursor is at its end. */
  async function complete(line: string, env: Record<string, string> = {}): Promise<string[]> {
    const script = `
      source "$1"
      # Bash splits at these characters before it asks.
      read -ra words <<<"\${2//=/ = }"
      [[ $2 == *' ' || $2 == *= ]] && words+=('')
      COMP_WORDS=("\${words[@]}") COMP_CWORD=$((\${#words[@]} - 1)) COMP_LINE=$2 COMP_POINT=\${#2}
      function=$(complete -p pilos-post-publish | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
      "$function" pilos-post-publish
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await runOrThrow(
      'bash',
      ['--norc', '-uc', script, 'bash', join(completions, 'bash'), line],
      { env: { ...environment, ...env } },
    );
    return stdout.split('\n').filter((word) => word !== '');
  }

  it('offers every command and option of --help', async () => {
    const commands = helps.map(({ command }) => command).filter((command) => command !== '');
    const check = async ({ command, options }: Help) => {
      const offered = await complete(`pilos-post-publish ${command === '' ? '' : `${command} `}`);
      const expected = command === '' ? [...commands, 'help', ...options] : options;
      expect(offered.toSorted()).toEqual(expected.toSorted());
    };
    await Promise.all(helps.map(check));
  });

  it('completes a word that is begun, behind other options too', async () => {
    expect(await complete('pilos-post-publish --dry')).toEqual(['--dry-run']);
    expect(await complete('pilos-post-publish --verbose del')).toEqual(['deliver']);
    expect(await complete('pilos-post-publish help del')).toEqual(['deliver']);
    expect(await complete('pilos-post-publish deliver --since 7d --fai')).toEqual(['--failed']);
    expect(await complete('pilos-post-publish deliver --limit ')).toEqual([]);
  });

  it('completes files and directories, also behind an equals sign', async () => {
    directory.write('some/pilos.yml', '');
    const file = join(directory.path, 'some/pi');
    expect(await complete(`pilos-post-publish --config ${file}`)).toEqual([`${file}los.yml`]);
    expect(await complete(`pilos-post-publish --config=${file}`)).toEqual([`${file}los.yml`]);
    expect(await complete(`pilos-post-publish migrate --from ${directory.path}/so`)).toEqual([
      `${directory.path}/some`,
    ]);
  });

  it('offers the meetings and formats that are published, in the directory that BBB is configured for', async () => {
    expect(await complete('pilos-post-publish -m ')).toEqual([firstId, secondId]);
    expect(await complete('pilos-post-publish deliver --meeting-id bb')).toEqual([secondId]);
    expect(await complete(`pilos-post-publish -m ${firstId} -f `)).toEqual(['presentation', 'video']);
  });

  it('offers nothing on a machine without BBB', async () => {
    const env = { PILOS_POST_PUBLISH_BBB_CONFIG: '/nowhere' };
    expect(await complete('pilos-post-publish -m ', env)).toEqual([]);
  });

  it('is a sound script', async () => {
    await runOrThrow('shellcheck', ['--shell=bash', join(completions, 'bash')]);
  });
});

describe('the completion for zsh', () => {
  /** Types each line into an interactive zsh, then Tab, then Enter; returns the words that the program got. */
  async function type(lines: string[]): Promise<string[]> {
    copyFileSync(join(completions, 'zsh'), join(directory.path, '_pilos-post-publish'));
    directory.write(
      'setup.zsh',
      `PROMPT= RPROMPT=
fpath=(${directory.path} $fpath)
autoload -Uz compinit
compinit -u -D
complete-and-run() { zle expand-or-complete; zle accept-line }
zle -N complete-and-run
bindkey '^I' complete-and-run
print READY`,
    );
    const script = directory.write(
      'type.zsh',
      `zmodload zsh/zpty
export TERM=dumb
zpty terminal zsh -f -i
zpty -w terminal 'source ${directory.path}/setup.zsh'
zpty -r terminal answer '*READY*'
while IFS= read -r line; do
  zpty -w -n terminal "$line"$'\\t'
  zpty -r terminal answer '*GOT<*>*'
  print -r -- "$answer"
done <$1
zpty -d terminal`,
    );
    writeFileSync(join(directory.path, 'lines'), `${lines.join('\n')}\n`);
    const { stdout } = await runOrThrow('zsh', ['-f', script, join(directory.path, 'lines')], {
      env: { ...environment, PILOS_POST_PUBLISH_COMPLETION: join(completions, 'bash') },
      timeoutMilliseconds: 20_000,
    });
    return [...stdout.matchAll(/^GOT<(.*?) ?>/gm)].map(([, words = '']) => words.trimEnd());
  }

  it('is that of bash', async () => {
    const lines = [
      'pilos-post-publish --dry',
      'pilos-post-publish prun',
      'pilos-post-publish deliver --fail',
      'pilos-post-publish deliver --meeting-id bb',
      'pilos-post-publish -f pres',
      `pilos-post-publish migrate --from ${directory.path}/publ`,
    ];
    expect(await type(lines)).toEqual([
      '--dry-run',
      'prune',
      'deliver --failed',
      `deliver --meeting-id ${secondId}`,
      '-f presentation',
      `migrate --from ${directory.path}/published`,
    ]);
  });
});
