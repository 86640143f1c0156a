/**
 * `-u`: names and numbers of users and groups, looked up in the container's own /etc/passwd and /etc/group.
 *
 * compat: the forms and error texts are those of Docker (moby/sys/user GetExecUser).
 */
import { defineErrors } from '#base';

const errors = defineErrors('user', {
  noUser: {
    kind: 'invalid',
    message: (name: string) => `unable to find user ${name}: no matching entries in passwd file`,
  },
  noGroup: {
    kind: 'invalid',
    message: (name: string) => `unable to find group ${name}: no matching entries in group file`,
  },
  range: { kind: 'invalid', message: () => 'uids and gids must be in range 0-2147483647' },
});

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

export interface UserFiles {
  /** Text of /etc/passwd, /etc/group; empty when there is none. */
  readonly passwd: string;
  readonly group: string;
}

/**
 * Resolves `user`, `uid`, `user:group`, `uid:gid` and so on; an empty text is root.
 * `groupAdd` are further group names or numbers (`--group-add`).
 */
export function resolveUser(text: string, files: UserFiles, groupAdd: readonly string[] = []): ResolvedUser {
  const [userText = '', groupText = ''] = text.split(':');
  const users = parseLines(files.passwd).map(([name = '', , uid, gid, , home = '']) => ({
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
  }));
  const groups = parseLines(files.group).map(([name = '', , gid, members = '']) => ({
    name,
    gid: Number(gid),
    members: members.split(',').filter((member) => member !== ''),
  }));

  const number = asNumber(userText === '' ? '0' : userText);
  const entry = users.find((user) => user.name === userText) ?? users.find((user) => user.uid === number);
  if (!entry && number === undefined) throw errors.noUser(userText);
  const uid = entry?.uid ?? number!;
  let gid = entry?.gid ?? 0;
  let additionalGids: number[] = [];
  if (groupText !== '') {
    const found = groups.find((group) => group.name === groupText)?.gid ?? asNumber(groupText);
    if (found === undefined) throw errors.noGroup(groupText);
    gid = found;
  } else if (entry) {
    additionalGids = groups.filter((group) => group.members.includes(entry.name)).map((group) => group.gid);
  }
  for (const wanted of groupAdd) {
    const found = groups.find((group) => group.name === wanted)?.gid ?? asNumber(wanted);
    if (found === undefined) throw errors.noGroup(wanted);
    additionalGids.push(found);
  }
  // The primary group is among them, so that setgid programs cannot drop a group that files are closed to (CVE-2022-36109).
  return { uid, gid, additionalGids: [...new Set([gid, ...additionalGids])], home: entry?.home || '/' };
}

function parseLines(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

const LARGEST_ID = 2 ** 31 - 1;

function asNumber(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const number = Number(text);
  if (number < 0 || number > LARGEST_ID) throw errors.range();
  return number;
}
