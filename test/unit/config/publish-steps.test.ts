/** Which formats this server publishes: `steps:` of BBB's configuration, as hook/config/config.ts reads it. */
import { describe, expect, it } from 'vitest';
import { parsePublishSteps } from '../../../hook/config/bbb-config.ts';
import { readConfig } from '../../../hook/config/config.ts';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();

function stepsOf(yaml: string): string[] {
  return parsePublishSteps(parseMapping(yaml, 'bigbluebutton.yml')['steps']);
}

describe('parsePublishSteps', () => {
  it("walks BBB's default steps", () => {
    expect(
      stepsOf(`steps:
  archive: "sanity"
  sanity: "captions"
  captions: "process:presentation"
  "process:presentation": "publish:presentation"
`),
    ).toEqual(['presentation']);
  });

  it('walks steps with several successors, written in either way', () => {
    expect(
      stepsOf(`steps:
  archive: sanity
  sanity: captions
  captions:
    - process:presentation
    - "process:video"
    - "process:notes"
  process:presentation: publish:presentation
  "process:video": ["publish:video", process:podcast]
  process:podcast: ["publish:podcast"]
  "process:notes": "publish:notes"
`),
    ).toEqual(['notes', 'podcast', 'presentation', 'video']);
  });

  it('does not take a step that nothing leads to', () => {
    expect(
      stepsOf(`steps:
  archive: process:video
  process:video: publish:video
  process:presentation: publish:presentation
  publish:notes: publish:podcast
`),
    ).toEqual(['video']);
  });

  it('goes on behind a publish step', () => {
    expect(stepsOf('steps: { archive: publish:video, publish:video: publish:podcast }')).toEqual([
      'podcast',
      'video',
    ]);
  });

  it('ends in a loop', () => {
    expect(
      stepsOf('steps: { archive: a, a: [b, archive], b: [a, b, publish:video], publish:video: archive }'),
    ).toEqual(['video']);
  });

  it.each([
    ['no steps', 'x: 1'],
    ['no value', 'steps:'],
    ['a text', 'steps: archive'],
    ['a list', 'steps: [archive]'],
    ['no archive', 'steps: { sanity: publish:video }'],
    ['an archive without a successor', 'steps: { archive: }'],
    ['successors that are no texts', 'steps: { archive: [1, true, {publish: video}, [publish:video]] }'],
    ['a name of what every object has', 'steps: { archive: [constructor, toString, __proto__] }'],
    ['a format without a name', 'steps: { archive: "publish:" }'],
    ['a format that would lead elsewhere', 'steps: { archive: ["publish:../x", "publish:-x"] }'],
  ])('finds none in %s', (_, yaml) => {
    expect(stepsOf(yaml)).toEqual([]);
  });

  it('finds its way through 100,000 steps', () => {
    const steps = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`s${n}`, `s${n + 1}`]));
    expect(parsePublishSteps({ ...steps, archive: 's0', s100000: 'publish:video' })).toEqual(['video']);
  });
});

describe("BBB's override", () => {
  it('replaces steps as a whole, as BBB merges only the top level', () => {
    const first = directory.write(
      'bigbluebutton.yml',
      'steps: { archive: sanity, sanity: publish:presentation }\n',
    );
    const second = directory.write('recording.yml', 'steps: { archive: publish:video }\n');
    const config = directory.write('pilos.yml', 'work_dir: /w\nspool_dir: /s\n');
    expect(readConfig({ config, bbbConfig: [first] }, {}).publishSteps).toEqual(['presentation']);
    expect(readConfig({ config, bbbConfig: [first, second] }, {}).publishSteps).toEqual(['video']);
  });
});
