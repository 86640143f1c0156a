/** Programs of others that are compiled from their Go modules, each once, and kept for later runs. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { CACHE } from './rootfs.ts';

/**
 * Its path. `goPackage` is what `go install` takes, version included, `values` what its variables are set to. Made elsewhere
 * and renamed: two may want it at once.
 */
export function goProgram(name: string, goPackage: string, values: Readonly<Record<string, string>> = {}): string {
  const path = `${CACHE}/${name}`;
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const folder = `${path}-${process.pid}`;
  // Nobody debugs it: without symbols it is linked sooner.
  const link = ['-ldflags=-s', ...Object.entries(values).map(([name, value]) => `-X=${name}=${value}`)].join(' ');
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
  execFileSync('go', ['install', link, goPackage], { env, stdio: 'pipe' });
  renameSync(`${folder}/${basename(goPackage.replace(/@.*/, ''))}`, path);
  rmSync(folder, { recursive: true, force: true });
  return path;
}

/** The plugin of Docker's command line. It says its version: `docker compose` asks for it. */
export function installBuildx(): string {
  const version = 'v0.38.2';
  const values = { 'github.com/docker/buildx/version.Version': version };
  return goProgram(`buildx-${version}`, `github.com/docker/buildx/cmd/buildx@${version}`, values);
}

/** The judge of registries. */
export function installDistributionConformance(): string {
  const version = 'v0.0.0-20260831232431-97274622c111';
  return goProgram(
    `distribution-conformance-${version}`,
    `github.com/opencontainers/distribution-spec/conformance@${version}`,
  );
}
