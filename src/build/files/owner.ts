/** `--chown`: users and groups by name or number, as the root file system the files go into knows them. */
import { readRootFile } from '#linux';
import { resolveUser } from '#runtime';
import type { Owner } from '../graph.ts';

export interface OwnerIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Undefined for '', which keeps the sources' owners. compat: a number without a group is its own group. Throws
 * `user.noUser` and `user.noGroup`.
 */
export function resolveOwner(owner: Owner, folders: readonly string[]): OwnerIds | undefined {
  if (owner === '') return undefined;
  const files = {
    passwd: readRootFile(folders, '/etc/passwd') ?? '',
    group: readRootFile(folders, '/etc/group') ?? '',
  };
  const [user = '', group] = owner.split(':');
  const isNumber = /^\d+$/.test(user);
  const whole = group === undefined || group === '' ? `${user}:${user}` : owner;
  // A user by name goes with the group of his own; one by number with the group of that number.
  const { uid, gid } = resolveUser(isNumber ? whole : owner, files);
  return { uid, gid };
}
