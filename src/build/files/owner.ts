/** `--chown`: users and groups by name or number, as the root file system the files go into knows them. */
import { readRootFile } from '#linux';
import { resolveUser } from '#runtime';
import type { Owner } from '../graph.ts';

export interface OwnerIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Undefined for '', which keeps the sources' owners. compat: a number without a group is its own group; a name nobody has
 * there is root's, whoever runs a step as that user is told. Throws `user.range`.
 */
export function resolveOwner(owner: Owner, folders: readonly string[]): OwnerIds | undefined {
  if (owner === '') return undefined;
  const [user = '', group = ''] = owner.split(':');
  const own = idsOf(user, () => fieldsOf(folders, '/etc/passwd', user));
  if (group === '') return own;
  return { uid: own.uid, gid: idsOf(group, () => fieldsOf(folders, '/etc/group', group)).uid };
}

/** A number stands for user and group; `fields` are those of a line for that name, the numbers in the third and fourth. */
function idsOf(text: string, fields: () => readonly string[]): OwnerIds {
  if (/^\d+$/.test(text)) {
    const { uid, gid } = resolveUser(`${text}:${text}`, { passwd: '', group: '' });
    return { uid, gid };
  }
  const [, , uid = '', gid = ''] = text === '' ? [] : fields();
  return { uid: Number(uid) || 0, gid: Number(gid) || 0 };
}

function fieldsOf(folders: readonly string[], path: string, name: string): readonly string[] {
  const lines = (readRootFile(folders, path) ?? '').split('\n').map((line) => line.split(':'));
  return lines.find(([first]) => first === name) ?? [];
}
