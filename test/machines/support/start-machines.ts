/** Before the first test file: the image, the site, and the machines with what belongs on them. */
import type { TestProject } from 'vitest/node';
import { describeMachines, isFull, type Machines } from './all-machines.ts';
import { installPackage, setUpBbb } from './bbb.ts';
import { provideImage } from './image.ts';
import { providePackage } from './packages.ts';
import { setUpPilos } from './pilos.ts';
import { requireMachines } from './requirements.ts';
import { openSite } from './site.ts';
import { prepareSpool, setUpStorage, squashAll } from './storage.ts';
import { keepTimerWaiting } from './timer.ts';

export default async function startMachines(project: TestProject): Promise<() => Promise<void>> {
  requireMachines();
  const image = await provideImage();
  const { site, close } = await openSite(image);
  try {
    await setUp(describeMachines(site));
  } catch (error) {
    await close();
    throw error;
  }
  project.provide('site', site);
  return close;
}

async function setUp({ storage, bbb, pilos, bbb2 }: Machines): Promise<void> {
  const started = performance.now();
  await Promise.all([storage, bbb, pilos, ...(isFull ? [bbb2] : [])].map((machine) => machine.boot()));
  print('booted', started);
  await providePackage();
  print('package built', started);
  await Promise.all([setUpStorage(storage), setUpPilos(pilos), setUpBbb(bbb)]);
  await prepareSpool({ storage, clients: [bbb, pilos], options: squashAll });
  await installPackage(bbb);
  await keepTimerWaiting(bbb);
  print('set up', started);
}

function print(what: string, since: number): void {
  process.stdout.write(`machines: ${what} after ${Math.round((performance.now() - since) / 1000)} s\n`);
}
