/** What the executable contains, in the form that vulnerability scanners read: CycloneDX, by `npm sbom`. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listBundledPackages } from './bundle.ts';
import { architectures, programName, projectDirectory, readNodePackage, readSourceDate } from './project.ts';

interface Sbom {
  serialNumber?: string;
  metadata: { timestamp: string; component: { 'bom-ref': string; name: string; type: string } };
  components: { 'bom-ref': string }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

export async function formatSbom(): Promise<string> {
  const options = ['--sbom-format=cyclonedx', '--package-lock-only', '--loglevel=error'];
  const maxBuffer = 100_000_000;
  const said = execFileSync('npm', ['sbom', ...options], {
    cwd: projectDirectory,
    encoding: 'utf8',
    maxBuffer,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const sbom = JSON.parse(said) as Sbom;
  // Not npm's --omit=dev: that leaves out what a development tool needs as well.
  const kept = new Set([
    ...(await listBundledPackages()).map(readReference),
    ...architectures.map(nodeReference),
  ]);
  sbom.components = sbom.components.filter((component) => kept.has(component['bom-ref']));
  if (sbom.components.length < kept.size)
    throw new Error(`npm sbom knows only ${sbom.components.length} packages`);
  kept.add(sbom.metadata.component['bom-ref']);
  const isKept = (reference: string) => kept.has(reference);
  sbom.dependencies = sbom.dependencies
    .filter(({ ref }) => isKept(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isKept) }));
  // npm names it after the directory. The same sources give the same bytes.
  Object.assign(sbom.metadata.component, { name: programName, type: 'application' });
  sbom.metadata.timestamp = readSourceDate().toISOString();
  delete sbom.serialNumber;
  return `${JSON.stringify(sbom, undefined, 2)}\n`;
}

function readReference(directory: string): string {
  const text = readFileSync(join(projectDirectory, directory, 'package.json'), 'utf8');
  const { name, version } = JSON.parse(text) as { name: string; version: string };
  return `${name}@${version}`;
}

function nodeReference(architecture: (typeof architectures)[number]): string {
  const { name, version } = readNodePackage(architecture);
  return `${name}@${version}`;
}
