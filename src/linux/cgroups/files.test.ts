import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { kernelFiles, readOptional } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'skiff-cgroup-files-'));
after(() => rmSync(folder, { recursive: true }));

test('kernelFiles reads, writes and lists like the kernel: files are never made by a write', () => {
  const file = join(folder, 'pids.max');
  assert.throws(() => kernelFiles.write(file, '1'), { syscall: 'write', errno: 'ENOENT', subject: file });
  assert.equal(readOptional(kernelFiles, file), undefined);
  writeFileSync(file, 'a longer text\n');
  assert.equal(kernelFiles.read(file), 'a longer text');
  kernelFiles.write(file, '7');
  assert.equal(readFileSync(file, 'utf8'), '7');
  kernelFiles.mkdir(join(folder, 'inner'));
  assert.deepEqual(kernelFiles.list(folder), ['inner']);
  assert.throws(() => kernelFiles.mkdir(join(folder, 'inner')), { errno: 'EEXIST' });
  assert.throws(() => kernelFiles.rmdir(folder), { errno: 'ENOTEMPTY' });
  kernelFiles.rmdir(join(folder, 'inner'));
});
