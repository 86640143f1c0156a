import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ResolvedUser, resolveUser } from './users.ts';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\n# a comment\nweb:x:33:33:www:/var/www:/bin/false\n1000:x:5:6::/odd:/bin/sh\n',
  group: 'root:x:0:\nwheel:x:10:root,web\nwww:x:33:\nlog:x:44:web\n',
};

function check(text: string, expected: Partial<ResolvedUser>, groupAdd: string[] = []): void {
  const { uid, gid, additionalGids, home } = resolveUser(text, files, groupAdd);
  assert.deepEqual({ uid, gid, additionalGids, home }, { uid, gid, additionalGids, home, ...expected }, text);
}

test('resolveUser() finds names, numbers and groups as Docker does', () => {
  check('', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' });
  check('web', { uid: 33, gid: 33, additionalGids: [33, 10, 44], home: '/var/www' });
  check('33', { uid: 33, gid: 33, additionalGids: [33, 10, 44], home: '/var/www' });
  check('web:root', { uid: 33, gid: 0, additionalGids: [0] });
  check('4321', { uid: 4321, gid: 0, additionalGids: [0], home: '/' });
  check('4321:77', { uid: 4321, gid: 77 });
  check('1000', { uid: 5, gid: 6, home: '/odd' });
  check('web', { additionalGids: [33, 10, 44, 99] }, ['www', '99', 'wheel']);
});

test('resolveUser() refuses what it cannot find, naming it', () => {
  assert.throws(() => resolveUser('nobody', files), /unable to find user nobody: no matching entries in passwd file/);
  assert.throws(() => resolveUser('web:none', files), /unable to find group none/);
  assert.throws(() => resolveUser('-1', files), /uids and gids must be in range/);
});
