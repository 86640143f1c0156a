/** Versions of the Engine API this daemon speaks, and how a path asks for one. */
import { errors } from './errors.ts';

/** compat: clients refuse a daemon whose newest version is below their oldest, so the range is as wide as it can be. */
export const apiVersions = { oldest: '1.24', newest: '1.55' } as const;

/** compat: what comes after the second number does not count. */
const VERSIONED = /^\/v(\d+)(?:\.(\d+))?[\d.]*(\/.*)$/;

/** `/v1.41/containers/json` → `/containers/json`. Throws `api.invalid` for a version out of range, as dockerd words it. */
export function stripVersion(path: string): string {
  const match = VERSIONED.exec(path);
  if (!match) return path;
  const asked = Number(match[2] ?? 0);
  const minor = (version: string): number => Number(version.split('.')[1]);
  const text = /^\/v([\d.]+)/.exec(path)![1]!;
  const major = Number(match[1]);
  if (major > 1 || (major === 1 && asked > minor(apiVersions.newest))) {
    throw errors.invalid(`client version ${text} is too new. Maximum supported API version is ${apiVersions.newest}`);
  }
  if (major < 1 || asked < minor(apiVersions.oldest)) {
    throw errors.invalid(
      `client version ${text} is too old. Minimum supported API version is ${apiVersions.oldest}, please upgrade your client to a newer version`,
    );
  }
  return match[3]!;
}

/** The second number of the version a request's path asks for; without one it is the newest. */
export function minorVersion({ pathname }: URL): number {
  return Number(VERSIONED.exec(pathname)?.[2] ?? apiVersions.newest.slice(2));
}

export function goArchitecture(arch: string): string {
  return arch === 'x64' ? 'amd64' : arch;
}
