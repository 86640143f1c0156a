import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from './daemon-settings.ts';
import { ownName, settleRuntime } from './runtimes.ts';

const crun = { path: '/usr/bin/crun', args: [] };

test('names of runtimes: empty is the default, runc is ours unless somebody has that name', () => {
  const plain = defaultSettings;
  const added = { ...plain, runtimes: { crun, runc: crun }, defaultRuntime: 'crun' };
  for (const [settings, wished, settled] of [
    [plain, '', 'skiff'],
    [plain, 'runc', 'skiff'],
    [plain, 'skiff', 'skiff'],
    [added, '', 'crun'],
    [added, 'runc', 'runc'],
    [added, 'skiff', 'skiff'],
    [{ ...plain, defaultRuntime: 'runc' }, '', 'skiff'],
  ] as const) {
    assert.equal(settleRuntime(settings, wished), settled, wished);
  }
  assert.equal(ownName(added, 'runc'), 'runc');
  for (const name of ['nobody', 'constructor', '__proto__']) {
    assert.throws(
      () => settleRuntime(plain, name),
      new RegExp(`^Error: unknown or invalid runtime name: ${name}$|${name}`),
    );
  }
});
