import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPlatform, normalizePlatform, parsePlatform, selectPlatform } from './platform.ts';

const host = { os: 'linux', architecture: 'amd64' };
const named = (...texts: string[]) => texts.map((text) => ({ text, platform: parsePlatform(text, host) }));

test('platforms are read in all their forms', () => {
  const check = (text: string, expected: string): void =>
    assert.equal(formatPlatform(parsePlatform(text, host)), expected, text);
  check('linux/amd64', 'linux/amd64');
  check('linux/x86_64', 'linux/amd64');
  check('Linux/AArch64', 'linux/arm64');
  check('linux/arm64/v8', 'linux/arm64');
  check('linux/arm64/v9', 'linux/arm64/v9');
  check('linux/arm', 'linux/arm/v7');
  check('linux/armel', 'linux/arm/v6');
  check('linux/arm/6', 'linux/arm/v6');
  check('linux/amd64/v1', 'linux/amd64');
  check('windows', 'windows/amd64');
  check('arm64', 'linux/arm64');
  for (const text of ['', 'a/b/c/d', 'linux/', '/amd64', 'linux/am d64', '*']) {
    assert.throws(() => parsePlatform(text, host), { code: 'oci.badPlatform' }, text);
  }
});

test('the best entry of an index is chosen, older variants where the own is missing', () => {
  const check = (wanted: string, entries: string[], expected: string | undefined): void =>
    assert.equal(
      selectPlatform(named(...entries), parsePlatform(wanted, host))?.text,
      expected,
      `${wanted} of ${entries.join()}`,
    );
  check('linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64');
  check('linux/amd64', ['linux/arm64', 'windows/amd64'], undefined);
  check('linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2');
  check('linux/amd64', ['linux/amd64/v2'], undefined);
  check('linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm64'], 'linux/arm/v6');
  check('linux/arm/v6', ['linux/arm/v7', 'linux/arm/v5'], 'linux/arm/v5');
  check('linux/arm64', ['linux/arm/v7', 'linux/arm/v6'], 'linux/arm/v7');
  check('linux/arm64', ['linux/arm64/v8', 'linux/arm/v7'], 'linux/arm64/v8');
  assert.equal(selectPlatform([{}], host), undefined);
  assert.equal(selectPlatform([{ platform: { os: 'unknown', architecture: 'unknown' } }], host), undefined);
});

test('normalizing keeps what is not a matter of names', () => {
  assert.deepEqual(normalizePlatform({ os: 'Linux', architecture: 'amd64', osVersion: '1' }), {
    os: 'linux',
    architecture: 'amd64',
    osVersion: '1',
  });
});
