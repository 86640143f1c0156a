/**
 * Makes what tests keep between runs before the first of them needs it: two lines of work beside each other, one that
 * compiles and one that waits for mirrors. What cannot be made here is left to the tests, which say why.
 *
 * `node tools/run.mjs test/support/fill-cache.ts`; with a name it makes only that.
 */
import { spawn } from 'node:child_process';
import { dockerPy, testcontainers } from './foreign-clients.ts';
import { installBuildx, installDistributionConformance } from './go-programs.ts';
import { missing } from './needs.ts';
import { busyboxTar, debianSource, servicesTar } from './rootfs.ts';

interface Part {
  readonly needs: readonly string[];
  make(): void;
}

const parts: Readonly<Record<string, Part>> = {
  busybox: { needs: ['busybox'], make: busyboxTar },
  services: { needs: ['root', 'debootstrap', 'apt-config'], make: () => debianSource() && servicesTar() },
  'docker-py': { needs: ['pip3'], make: dockerPy },
  testcontainers: { needs: ['npm'], make: testcontainers },
  buildx: { needs: ['go'], make: installBuildx },
  conformance: { needs: ['go'], make: installDistributionConformance },
};
const lines: readonly (readonly string[])[] = [
  ['busybox', 'services'],
  ['docker-py', 'testcontainers', 'buildx', 'conformance'],
];

const only = process.argv[2];
if (only !== undefined) parts[only]!.make();
else await Promise.all(lines.map(makeInTurn));

async function makeInTurn(names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (missing(...parts[name]!.needs) !== false) continue;
    const beganMs = performance.now();
    const child = spawn(process.execPath, [import.meta.filename, name], { stdio: ['ignore', 'inherit', 'inherit'] });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'there  ' : 'not made'} ${name} (${seconds} s)`);
  }
}
