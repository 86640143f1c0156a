import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceProgram } from './device.ts';
import { type DeviceRuleInput, deviceAccess } from './device-rules.ts';
import { decodeExtended, runExtended } from './ebpf.ts';

/** Docker's rules for an ordinary container. */
const DOCKER: DeviceRuleInput[] = [
  { allow: false, access: 'rwm' },
  ...[5, 3, 9, 8].map((minor) => ({ allow: true, type: 'c', major: 1, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** `c 1:3 rw` and whether it is allowed. */
function check(rules: readonly DeviceRuleInput[], access: string, allowed: boolean): void {
  const [, type, major, minor, letters] = /^([bc]) (\d+):(\d+) ([rwm]+)$/.exec(access) ?? [];
  const bits = (letters ?? '').split('').reduce((sum, letter) => sum | bit(letter), 0);
  const context = [(bits << 16) | (type === 'b' ? 1 : 2), Number(major), Number(minor)];
  assert.equal(runExtended(decodeExtended(deviceProgram(rules)), context), allowed ? 1 : 0, access);
}

function bit(letter: string): number {
  if (letter === 'm') return deviceAccess.mknod;
  return letter === 'r' ? deviceAccess.read : deviceAccess.write;
}

test("Docker's device rules allow the standard nodes and making any other, not using it", () => {
  for (const access of ['c 1:3 rw', 'c 1:5 rwm', 'c 5:0 r', 'c 136:7 rw', 'c 10:200 m', 'b 8:0 m', 'c 10:229 m']) {
    check(DOCKER, access, true);
  }
  for (const access of ['b 8:0 r', 'b 8:0 rm', 'c 10:200 rw', 'c 10:229 rw', 'c 1:1 r', 'b 1:3 r']) {
    check(DOCKER, access, false);
  }
});

test('a later device rule overrides an earlier one, access by access', () => {
  const rules: DeviceRuleInput[] = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 7, access: 'rw' },
    { allow: false, type: 'c', major: 7, minor: 1, access: 'w' },
    { allow: true, type: 'c', major: 7, minor: 1, access: 'm' },
  ];
  check(rules, 'c 7:0 rw', true);
  check(rules, 'c 7:1 r', true);
  check(rules, 'c 7:1 rm', true);
  check(rules, 'c 7:1 w', false);
  check(rules, 'c 7:1 rw', false);
  check(rules, 'c 7:0 m', false);
});

test('a rule for all devices forgets the rules before it', () => {
  check([...DOCKER, { allow: true, type: 'a', access: 'rwm' }], 'b 8:0 rw', true);
  check([...DOCKER, { allow: false, type: 'a', access: 'rwm' }], 'c 1:3 r', false);
  check(
    [
      { allow: true, access: 'rwm' },
      { allow: false, type: 'b', access: 'w' },
    ],
    'b 8:0 r',
    true,
  );
  check(
    [
      { allow: true, access: 'rwm' },
      { allow: false, type: 'b', access: 'w' },
    ],
    'b 8:0 rw',
    false,
  );
});

test('without rules no device is allowed', () => {
  check([], 'c 1:3 r', false);
});

test('deviceProgram() encodes little-endian instructions that end with an exit', () => {
  const bytes = deviceProgram([{ allow: true, access: 'rwm' }]);
  assert.equal(Buffer.from(bytes.subarray(0, 8)).toString('hex'), '6112000000000000');
  assert.equal(Buffer.from(bytes.subarray(-16)).toString('hex'), 'b4000000010000009500000000000000');
});

test('deviceProgram() names the rule it refuses', () => {
  const good: DeviceRuleInput = { allow: true, access: 'rwm' };
  assert.throws(() => deviceProgram([good, { allow: true, type: 'x', access: 'r' }]), /device rule 1: type 'x'/);
  assert.throws(() => deviceProgram([{ allow: true, type: 'c', access: 'q' }]), /device rule 0: access 'q'/);
  assert.throws(() => deviceProgram([{ allow: true, type: 'c' }]), /device rule 0: access is empty/);
  assert.throws(() => deviceProgram([{ allow: true, type: 'c', major: -7, access: 'r' }]), /major -7/);
});
