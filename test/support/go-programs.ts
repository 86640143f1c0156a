/** Programs of others that are compiled from their Go modules, each once, and kept for later runs. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { CACHE } from './rootfs.ts';

/** Its path. `package` is what `go install` takes, version included. Made elsewhere and renamed: two may want it at once. */
export function goProgram(name: string, goPackage: string): string {
  const path = `${CACHE}/${name}`;
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const folder = `${path}-${process.pid}`;
  // Nobody debugs it: without symbols it is linked sooner.
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod -ldflags=-s' };
  execFileSync('go', ['install', goPackage], { env, stdio: 'pipe' });
  renameSync(`${folder}/${basename(goPackage.replace(/@.*/, ''))}`, path);
  rmSync(folder, { recursive: true, force: true });
  return path;
}

/** The plugin of Docker's command line. */
export function installBuildx(): string {
  const version = 'v0.38.2';
  return goProgram(`docker-buildx-${version}`, `github.com/docker/buildx/cmd/buildx@${version}`);
}

/** The judge of registries. */
export function installDistributionConformance(): string {
  const version = 'v0.0.0-20260831232431-97274622c111';
  return goProgram(
    `distribution-conformance-${version}`,
    `github.com/opencontainers/distribution-spec/conformance@${version}`,
  );
}
