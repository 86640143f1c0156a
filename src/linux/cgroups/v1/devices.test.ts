import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceRuleInput, deviceProgram, decodeExtended, runExtended } from '#wire';
import { settings } from './devices.ts';

const DENY_ALL: DeviceRuleInput = { allow: false, access: 'rwm' };
const ALLOW_ALL: DeviceRuleInput = { allow: true, type: 'a', access: 'rwm' };

function device(allow: boolean, text: string): DeviceRuleInput {
  const [, type = '', major, minor, access = ''] = /^([bc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(text) ?? [];
  return { allow, type, access, ...number('major', major), ...number('minor', minor) };
}

function number(name: 'major' | 'minor', text: string | undefined): { major?: number; minor?: number } {
  return text === undefined || text === '*' ? {} : { [name]: Number(text) };
}

function check(list: string | undefined, devices: DeviceRuleInput[], expected: string[]): void {
  const writes = settings({ devices }, () => list).map(({ file, value }) => `${file} ${value}`);
  assert.deepEqual(writes, expected);
}

test('a new cgroup that inherited everything is closed first, then opened device by device', () => {
  check(
    'a *:* rwm',
    [DENY_ALL, device(true, 'c 1:3 rwm'), device(true, 'c *:* m'), device(true, 'c 1:3 r')],
    ['devices.deny a', 'devices.allow c 1:3 rwm', 'devices.allow c *:* m'],
  );
});

test('an update writes only the differences', () => {
  check(
    'c 1:3 rwm\nc 1:5 rwm\nb *:* m',
    [DENY_ALL, device(true, 'c 1:3 rw'), device(true, 'b *:* m'), device(true, 'c 5:0 r')],
    ['devices.allow c 5:0 r', 'devices.deny c 1:3 m', 'devices.deny c 1:5 rwm'],
  );
  check('c 1:3 rwm', [DENY_ALL, device(true, 'c 1:3 rwm')], []);
});

test('allowing all forgets the rules before it, and exceptions to it are denied', () => {
  check('a *:* rwm', [DENY_ALL, device(true, 'c 1:3 rwm'), ALLOW_ALL], ['devices.allow a']);
  check('c 1:3 r', [ALLOW_ALL, device(false, 'b 8:0 w')], ['devices.allow a', 'devices.deny b 8:0 w']);
});

test('no rules leave the devices alone', () => {
  check('a *:* rwm', [], []);
});

test('cutting a device out of an earlier wildcard is refused, because v1 would not do it', () => {
  const rules = [DENY_ALL, device(true, 'c 1:* rwm'), device(false, 'c 1:3 w')];
  assert.throws(
    () => settings({ devices: rules }, () => 'a *:* rwm'),
    /c 1:3 w: cgroup v1 cannot cut it out .* c 1:\* rwm/,
  );
  check(
    'a *:* rwm',
    [DENY_ALL, device(false, 'c 10:229 rwm'), device(true, 'c *:* m')],
    ['devices.deny a', 'devices.allow c *:* m'],
  );
});

test('v1 writes and the v2 program agree on what rules that both can express mean', () => {
  const rules = [
    DENY_ALL,
    device(true, 'c 1:3 rwm'),
    device(true, 'c 5:* rw'),
    device(true, 'b *:* m'),
    device(false, 'c 1:3 w'),
  ];
  const program = decodeExtended(deviceProgram(rules));
  const allowed = settings({ devices: rules }, () => 'a *:* rwm').slice(1);
  assert.deepEqual(
    allowed.map(({ value }) => value),
    ['c 1:3 rm', 'c 5:* rw', 'b *:* m'],
  );
  const bits = { m: 1, r: 2, w: 4 };
  for (const [type, code] of [
    ['b', 1],
    ['c', 2],
  ] as const) {
    for (const [major, minor] of [
      [1, 3],
      [1, 5],
      [5, 0],
      [5, 2],
      [8, 0],
    ] as const) {
      for (const access of ['r', 'w', 'm'] as const) {
        const v1 = allowed.some(({ value }) => {
          const [kind, numbers, letters] = value.split(' ');
          const patterns = [`${major}:${minor}`, `${major}:*`, '*:*'];
          return kind === type && patterns.includes(numbers ?? '') && letters?.includes(access);
        });
        const v2 = runExtended(program, [(bits[access] << 16) | code, major, minor]) === 1;
        assert.equal(v2, v1, `${type} ${major}:${minor} ${access}`);
      }
    }
  }
});
