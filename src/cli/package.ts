/** Where this package is, and its version. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

let root: string | undefined;

/** The folder with `package.json`, found from the program that runs: source and bundle lie at different depths. */
export function packageRoot(): string {
  root ??= findRoot(process.argv[1] ?? '');
  return root;
}

let version: string | undefined;

export function packageVersion(): string {
  version ??= readVersion(packageRoot()) ?? '0.0.0';
  return version;
}

function findRoot(program: string): string {
  let folder: string;
  try {
    folder = dirname(realpathSync(program));
  } catch {
    return '/';
  }
  for (; folder !== '/'; folder = dirname(folder)) if (readVersion(folder) !== undefined) return folder;
  return '/';
}

function readVersion(folder: string): string | undefined {
  try {
    const value = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { name?: string; version?: string };
    return value.name === 'skiff' ? value.version : undefined;
  } catch {
    return undefined;
  }
}
