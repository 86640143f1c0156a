import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readLog, readLogBlocks } from '../logs.ts';
import { compressLog } from './compressed-log.ts';
import { LogCompressor } from './log-compressor.ts';
import { createLog } from '#base';

const line = (text: string): string => `{"log":"${text}\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => line(`${from + index}`)).join('');

/** A log of files with 1000 lines each, the oldest first; the last is the current one. */
function world(count: number): Disposable & { path: string; folder: string } {
  const folder = mkdtempSync(`${tmpdir()}/skiff-compressed-`);
  const path = `${folder}/log`;
  for (let index = 0; index < count; index += 1) {
    const number = count - 1 - index;
    writeFileSync(number === 0 ? path : `${path}.${number}`, lines(index * 1000 + 1, index * 1000 + 1000));
  }
  return { path, folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const compress = async (path: string): Promise<void> => {
  await using file = await open(path, 'r');
  await compressLog(file, `${path}.gz`, new AbortController().signal);
};

const numbersOf = async (path: string, tail?: number): Promise<number[]> => {
  const wish = { stdout: true, stderr: true, follow: false, ...(tail === undefined ? {} : { tail }) };
  const found: number[] = [];
  for await (const { text } of readLog({ path, maxFiles: 10, ended: Promise.resolve() }, wish))
    found.push(Number(text.toString()));
  return found;
};

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('old files in gzip are read like others: whole, from any line of the end on, and once when they are there twice', async () => {
  using place = world(4);
  await compress(`${place.path}.3`);
  rmSync(`${place.path}.3`);
  // As after a kill in between.
  await compress(`${place.path}.2`);
  assert.deepEqual(await numbersOf(place.path), range(1, 4000));
  for (const tail of [0, 1, 999, 1000, 1001, 2000, 2500, 2999, 3000, 3001, 3999, 4000, 5000])
    assert.deepEqual(await numbersOf(place.path, tail), range(4001 - Math.min(tail, 4000), 4000), `tail ${tail}`);
  assert.equal(gunzipSync(readFileSync(`${place.path}.2.gz`)).toString(), lines(1001, 2000));
});

test('a file that is damaged ends where it is, and the rest is read', async () => {
  using place = world(3);
  await compress(`${place.path}.2`);
  rmSync(`${place.path}.2`);
  truncateSync(`${place.path}.2.gz`, 1500);
  const found = await numbersOf(place.path);
  assert.deepEqual(found.slice(-2000), range(1001, 3000));
  assert.ok(found.length > 2000 && found.length < 3000, `${found.length}`);
  writeFileSync(`${place.path}.2.gz`, randomBytes(5000));
  assert.deepEqual(await numbersOf(place.path), range(1001, 3000));
});

test('a reader meets files that are compressed and moved on while it reads', async () => {
  using place = world(5);
  const found: number[] = [];
  const source = { path: place.path, maxFiles: 10, ended: Promise.resolve() };
  for await (const block of readLogBlocks(source, { stdout: true, stderr: true, follow: true })) {
    for (const text of block.toString().matchAll(/"log":"(\d+)/g)) found.push(Number(text[1]));
    const current = found.at(-1)! / 1000;
    // Every file but the current one is compressed behind its back, and all move on.
    if (current !== 4 || existsSync(`${place.path}.9.gz`)) continue;
    for (let number = 4; number > 0; number -= 1) {
      await compress(`${place.path}.${number}`);
      rmSync(`${place.path}.${number}`);
      renameSync(`${place.path}.${number}.gz`, `${place.path}.${number + 5}.gz`);
    }
    renameSync(place.path, `${place.path}.5`);
    for (const number of [4, 3, 2, 1]) {
      writeFileSync(`${place.path}.${number}`, lines((9 - number) * 1000 + 1, (9 - number) * 1000 + 1000));
      if (number > 2) {
        await compress(`${place.path}.${number}`);
        rmSync(`${place.path}.${number}`);
      }
    }
    await compress(`${place.path}.5`);
    rmSync(`${place.path}.5`);
    writeFileSync(place.path, lines(9001, 10000));
  }
  assert.deepEqual(found, range(1, 10000));
});

test('what a killed daemon left is taken up: old files are compressed, half of one goes', async () => {
  using place = world(4);
  writeFileSync(`${place.path}.gz-12`, 'half');
  const log = createLog('error', () => {});
  await using compressor = new LogCompressor({
    log,
    placeOf: () => ({ path: place.path, maxFiles: 4 }),
    processOf: () => undefined,
  });
  const hold = compressor.hold('x');
  compressor.look('x');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(existsSync(`${place.path}.3.gz`), false, 'not while its process begins');
  hold[Symbol.dispose]();
  while ([1, 2, 3].some((number) => existsSync(`${place.path}.${number}`)))
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(existsSync(`${place.path}.gz-12`), false);
  assert.deepEqual(await numbersOf(place.path), range(1, 4000));
});
