/** `--device`: `HOST[:CONTAINER][:PERMISSIONS]`. */
import type { DeviceMappingBody } from '#specs';
import { errors } from '../errors.ts';

/** compat: a second part of the letters r, w, m is permissions, not a path. Throws `cli.invalid`. */
export function parseDevice(text: string): DeviceMappingBody {
  const parts = text.split(':');
  const [host = '', second, third] = parts;
  if (host === '' || parts.length > 3) throw errors.invalid(`bad format for path: ${text}`);
  const isPermissions = (part: string): boolean => /^[rwm]+$/.test(part) && new Set(part).size === part.length;
  const permissions = third ?? (second !== undefined && isPermissions(second) ? second : 'rwm');
  const container = second === undefined || (third === undefined && second === permissions) ? host : second;
  for (const path of [container, host]) {
    if (!path.startsWith('/')) throw errors.invalid(`${path} is not an absolute path`);
  }
  if (!isPermissions(permissions)) throw errors.invalid(`bad mode specified: ${permissions}`);
  return { PathOnHost: host, PathInContainer: container, CgroupPermissions: permissions };
}
