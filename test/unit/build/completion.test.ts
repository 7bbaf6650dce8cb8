/** The completions offer what `--help` says and what is published, in a real bash and a real zsh. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatZshCompletion, writeCompletions } from '../../../build/completion.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { type Help, readHelps } from '../../support/program/help.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();

const helps: Help[] = [];
beforeAll(async () => {
  helps.push(...(await readHelps()));
  expect(helps.map(({ command }) => command)).toEqual(
    expect.arrayContaining(['deliver', 'install', 'uninstall']),
  );
});

describe('the completion for bash', () => {
  /** What bash offers for a line whose cursor is at its end. */
  async function complete(line: string, env: Record<string, string> = {}): Promise<string[]> {
    const { bash } = writeCompletions(directory.path);
    const script = `
      source "$1"
      # Bash splits at these characters before it asks.
      read -ra words <<<"\${2//=/ = }"
      [[ $2 == *' ' || $2 == *= ]] && words+=('')
      COMP_WORDS=("\${words[@]}") COMP_CWORD=$((\${#words[@]} - 1)) COMP_LINE=$2 COMP_POINT=\${#2}
      compopt() { :; } # works only while readline completes
      "$(complete -p pilos-post-publish | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await runOrThrow('bash', ['--norc', '-euc', script, 'bash', bash, line], { env });
    return stdout.split('\n').filter((word) => word !== '');
  }

  it('offers every command and option of --help', async () => {
    const commands = helps.map(({ command }) => command).filter((command) => command !== '');
    for (const { command, options } of helps) {
      const offered = await complete(`pilos-post-publish ${command === '' ? '' : `${command} `}`);
      const expected = command === '' ? [...commands, 'help', ...options] : options;
      expect(offered.toSorted()).toEqual(expected.toSorted());
    }
  });

  it('completes a word that is begun, behind other options too', async () => {
    expect(await complete('pilos-post-publish --dry')).toEqual(['--dry-run']);
    expect(await complete('pilos-post-publish --verbose del')).toEqual(['deliver']);
    expect(await complete('pilos-post-publish deliver --since 7d --fai')).toEqual(['--failed']);
    expect(await complete('pilos-post-publish deliver --limit ')).toEqual([]);
  });

  it('completes files and directories, also behind an equals sign', async () => {
    directory.write('some/pilos.yml', '');
    const file = join(directory.path, 'some/pi');
    expect(await complete(`pilos-post-publish --config ${file}`)).toEqual([`${file}los.yml`]);
    expect(await complete(`pilos-post-publish --config=${file}`)).toEqual([`${file}los.yml`]);
  });

  it('offers the meetings and formats that are published, in the directory that BBB is configured for', async () => {
    const env = publishMeetings();
    expect(await complete('pilos-post-publish -m ', env)).toEqual([firstId, secondId]);
    expect(await complete('pilos-post-publish deliver --meeting-id bb', env)).toEqual([secondId]);
    expect(await complete(`pilos-post-publish -m ${firstId} -f `, env)).toEqual(['presentation', 'video']);
  });

  it('offers nothing on a machine without BBB', async () => {
    expect(await complete('pilos-post-publish -m ', { PILOS_POST_PUBLISH_BBB_CONFIG: '/nowhere' })).toEqual(
      [],
    );
  });

  it('is a sound script', async () => {
    const { bash } = writeCompletions(directory.path);
    await runOrThrow('shellcheck', ['--shell=bash', bash]);
  });
});

describe('the completion for zsh', () => {
  /** Types each line into an interactive zsh, then Tab, then Enter; returns the words that the program got. */
  async function type(lines: string[], env: Record<string, string> = {}): Promise<string[]> {
    writeCompletions(directory.path);
    directory.write(
      'setup.zsh',
      `PROMPT= RPROMPT=
fpath=(${directory.path} $fpath)
autoload -Uz compinit
compinit -u -D
pilos-post-publish() { print -r "GOT<$*>" }
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
      env,
      timeoutMilliseconds: 20_000,
    });
    return [...stdout.matchAll(/^GOT<(.*?) ?>/gm)].map(([, words = '']) => words.trimEnd());
  }

  it('completes commands, options, and what is published', async () => {
    const env = publishMeetings();
    expect(
      await type(
        [
          'pilos-post-publish --dry',
          'pilos-post-publish prun',
          'pilos-post-publish deliver --fail',
          'pilos-post-publish deliver --meeting-id bb',
          'pilos-post-publish -f pres',
        ],
        env,
      ),
    ).toEqual([
      '--dry-run',
      'prune',
      'deliver --failed',
      `deliver --meeting-id ${secondId}`,
      '-f presentation',
    ]);
  });

  it('has every command and option of --help', async () => {
    const { zsh } = writeCompletions(directory.path);
    await runOrThrow('zsh', ['-n', zsh]);
    const text = formatZshCompletion();
    for (const { command, options } of helps) {
      if (command !== '') expect(text).toMatch(new RegExp(`^    '${command}:`, 'm'));
      const [, part = ''] = new RegExp(`^ {8}${command}\\)\\n(.*?);;`, 'ms').exec(text) ?? [];
      const [globals = ''] = text.split('  commands=(');
      for (const option of options)
        expect(command === '' ? text : globals + part, `${command} ${option}`).toContain(`${option}[`);
    }
  });
});

const firstId = `${'a'.repeat(40)}-1712758751753`;
const secondId = `${'b'.repeat(40)}-1712758751754`;

/** Returns the environment in which they are found. */
function publishMeetings(): Record<string, string> {
  const published = join(directory.path, 'published');
  directory.write(`published/presentation/${firstId}/metadata.xml`, '');
  directory.write(`published/presentation/${secondId}/metadata.xml`, '');
  directory.write(`published/video/${firstId}/metadata.xml`, '');
  const shipped = directory.write('bigbluebutton.yml', 'published_dir: /nowhere\n');
  const override = directory.write('recording.yml', `published_dir: "${published}"\n`);
  return { PILOS_POST_PUBLISH_BBB_CONFIG: `${shipped}:${override}` };
}
