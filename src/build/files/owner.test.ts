import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { resolveOwner } from './owner.ts';

const folder = mkdtempSync(`${tmpdir()}/skiff-owner-`);
mkdirSync(`${folder}/etc`);
writeFileSync(`${folder}/etc/passwd`, 'root:x:0:0::/:/bin/sh\napp:x:500:501::/:/bin/sh\nodd\n');
writeFileSync(`${folder}/etc/group`, 'root:x:0:\nstaff:x:50:app\n');
after(() => rmSync(folder, { recursive: true }));

function check(owner: string, expected: string | undefined, folders: readonly string[] = [folder]): void {
  const ids = resolveOwner(owner, folders);
  assert.equal(ids && `${ids.uid}:${ids.gid}`, expected, owner);
}

test('names are looked up, numbers stand for both, what nobody has is of root', () => {
  check('', undefined);
  check('app', '500:501');
  check('app:staff', '500:50');
  check('app:7', '500:7');
  check('7', '7:7');
  check('7:', '7:7');
  check('7:8', '7:8');
  check(':50', '0:50');
  check(':staff', '0:50');
  check('gone', '0:0');
  check('app:gone', '500:0');
  check('odd', '0:0');
  check('app', '0:0', []);
  assert.throws(() => resolveOwner('99999999999', [folder]), { code: 'user.range' });
});
