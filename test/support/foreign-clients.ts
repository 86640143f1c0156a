/** Client libraries of others, from their registries, each installed once into a folder and kept for later runs. */
import { execFileSync } from 'node:child_process';
import { cachedFolder } from './rootfs.ts';

/** A folder for PYTHONPATH with docker-py. */
export function dockerPy(): string {
  const version = '7.1.0';
  return cachedFolder(`docker-py-${version}`, (work) => {
    const quietly = ['--quiet', '--no-warn-script-location', '--root-user-action=ignore'];
    execFileSync('pip3', ['install', ...quietly, '--target', work, `docker==${version}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  });
}

/** A folder whose programs can import testcontainers. Its optional parts have install scripts, which nothing here needs. */
export function testcontainers(): string {
  const version = '12.2.0';
  return cachedFolder(`testcontainers-${version}`, (work) => {
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', work];
    execFileSync('npm', [...install, `testcontainers@${version}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  });
}
