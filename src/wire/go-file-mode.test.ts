import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goModeOf, permissionsOfGoMode, typeOfGoMode } from './go-file-mode.ts';

test("Go's mode bits say the same as Linux's, both ways", () => {
  const cases: readonly (readonly [linux: number, go: number, type: string | undefined])[] = [
    [0o100644, 0o644, 'file'],
    [0o104755, 2 ** 23 + 0o755, 'file'],
    [0o102755, 2 ** 22 + 0o755, 'file'],
    [0o041777, 2 ** 31 + 2 ** 20 + 0o777, 'directory'],
    [0o120777, 2 ** 27 + 0o777, 'symlink'],
    [0o020600, 2 ** 26 + 2 ** 21 + 0o600, 'character-device'],
    [0o060600, 2 ** 26 + 0o600, 'block-device'],
    [0o010600, 2 ** 25 + 0o600, 'fifo'],
    [0o140600, 2 ** 24 + 0o600, undefined],
  ];
  for (const [linux, go, type] of cases) {
    assert.equal(goModeOf(linux), go, linux.toString(8));
    assert.equal(typeOfGoMode(go), type, linux.toString(8));
    assert.equal(permissionsOfGoMode(go), linux & 0o7777, linux.toString(8));
  }
});
