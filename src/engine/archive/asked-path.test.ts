import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAskedPath } from './asked-path.ts';

test('parseAskedPath() cleans a path and remembers how it ended', () => {
  const check = (text: string, path: string, name: string, isFolder: boolean): void =>
    assert.deepEqual(parseAskedPath(text), { path, name, isFolder }, text);
  check('/', '', '/', true);
  check('.', '', '.', true);
  check('/.', '', '.', true);
  check('data', 'data', 'data', false);
  check('/data/', 'data', 'data', true);
  check('/data/.', 'data', '.', true);
  check('/data/..', '', '/', false);
  check('/../../etc//passwd', 'etc/passwd', 'passwd', false);
  check('/ü', Buffer.from('ü').toString('latin1'), Buffer.from('ü').toString('latin1'), false);
});
