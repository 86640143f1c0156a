import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { workerEntry } from './worker-entry.ts';

test('the code of a worker is beside the source, beside the program, or above its chunk', (context) => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-worker-`);
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(`${folder}/dist/chunk`, { recursive: true });
  for (const name of ['work.ts', 'dist/work.mjs']) writeFileSync(`${folder}/${name}`, '');
  const check = (startedFrom: string, expected: string): void => {
    const found = workerEntry(pathToFileURL(`${folder}/${startedFrom}`).href, 'work');
    assert.equal(found.href, pathToFileURL(`${folder}/${expected}`).href);
  };
  check('start.ts', 'work.ts');
  check('dist/skiffd.mjs', 'dist/work.mjs');
  check('dist/chunk/abc.mjs', 'dist/work.mjs');
  assert.throws(
    () => workerEntry(pathToFileURL(`${folder}/dist/skiffd.mjs`).href, 'none'),
    /'none' is missing: .*none.mjs/,
  );
});
