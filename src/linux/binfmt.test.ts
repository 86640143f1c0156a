import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { elfHeader, hasInterpreter, interprets } from './binfmt.ts';

// As the kernel shows what Debian's qemu-user-static registers.
const arm64 = `enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`;

test('an entry is for programs whose first bytes it names, and only with its interpreter open already', () => {
  const cases: readonly (readonly [entry: string, architecture: string, expected: boolean])[] = [
    [arm64, 'arm64', true],
    [arm64, 'amd64', false],
    [arm64, 's390x', false],
    [arm64.replace('enabled', 'disabled'), 'arm64', false],
    [arm64.replace('POCF', 'POC'), 'arm64', false],
    [arm64.replace(/magic .*/, 'magic zz'), 'arm64', false],
    [arm64.replace('offset 0', 'offset 60'), 'arm64', false],
    ['', 'arm64', false],
  ];
  for (const [entry, architecture, expected] of cases) {
    assert.equal(interprets(entry, elfHeader(architecture)!), expected, `${architecture}: ${entry}`);
  }
});

test('machines by their byte order', () => {
  assert.equal(elfHeader('s390x')!.subarray(16, 20).toString('hex'), '00020016');
  assert.equal(elfHeader('arm64')!.subarray(16, 20).toString('hex'), '0200b700');
  assert.equal(elfHeader('z80'), undefined);
});

test("the kernel's folder, switched on or off, or not there", () => {
  const folder = mkdtempSync('/tmp/skiff-binfmt-');
  try {
    assert.equal(hasInterpreter('arm64', `${folder}/none`), false);
    writeFileSync(`${folder}/status`, 'enabled\n');
    writeFileSync(`${folder}/qemu-aarch64`, arm64);
    assert.deepEqual([hasInterpreter('arm64', folder), hasInterpreter('riscv64', folder)], [true, false]);
    writeFileSync(`${folder}/status`, 'disabled\n');
    assert.equal(hasInterpreter('arm64', folder), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
