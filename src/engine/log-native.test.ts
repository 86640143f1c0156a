import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { LogRenderer, type RenderWish } from './log-lines.ts';
import { readLogBlocks, renderLog } from './logs.ts';

const TIME = '2026-01-02T03:04:05.123456789Z';
const line = (index: number, text: string): string =>
  `{"log":${JSON.stringify(text).replace('<', '\\u003c')},"stream":"${index % 3 === 0 ? 'stderr' : 'stdout'}","time":"${TIME}"}\n`;
const usual = (index: number): string => line(index, `${index} ${'x'.repeat(index % 300)} <ä\t"\\\u001b[1m\n`);
/** What the shim does not write: another key, a surrogate pair, a torn line, one that is longer than all buffers. */
const unusual = [
  `{"log":"tagged\\n","stream":"stdout","attrs":{"a":"b"},"time":"${TIME}"}\n`,
  `{"log":"\\ud83d\\ude00\\n","stream":"stdout","time":"${TIME}"}\n`,
  '{"log":"torn\n',
  `{"log":"${'y'.repeat(3 << 20)}","stream":"stdout","time":"${TIME}"}\n`,
];

/** A log of so many usual lines, and then these; with `missing` the end of the last line has yet to come. */
function world(count: number, behind: readonly string[] = []): Disposable & { path: string } {
  const folder = mkdtempSync(`${tmpdir()}/skiff-log-native-`);
  const path = `${folder}/log`;
  const lines = Array.from({ length: count }, (_, index) => usual(index)).join('');
  writeFileSync(path, lines);
  for (const each of behind) appendFileSync(path, each);
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const WISH: RenderWish = { stdout: true, stderr: true, raw: false, timestamps: false };

async function rendered(path: string, wish: RenderWish, tail?: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const query = { ...wish, follow: false, ...(tail === undefined ? {} : { tail }) };
  // A piece is written over when the next is asked for.
  for await (const piece of renderLog({ path, maxFiles: 1, ended: Promise.resolve() }, query, wish)) {
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

async function renderedHere(path: string, wish: RenderWish, tail?: number): Promise<Buffer> {
  const renderer = new LogRenderer(wish);
  const pieces: Buffer[] = [];
  const query = { ...wish, follow: false, ...(tail === undefined ? {} : { tail }) };
  for await (const block of readLogBlocks({ path, maxFiles: 1, ended: Promise.resolve() }, query)) {
    pieces.push(Buffer.from(renderer.render(block)));
  }
  return Buffer.concat(pieces);
}

test('a large log is the same, whoever renders it', async () => {
  using place = world(40_000, ['{"log":"not whole']);
  const wishes: Partial<RenderWish>[] = [
    {},
    { stdout: false },
    { stderr: false, raw: true },
    { timestamps: true },
    { raw: true, timestamps: true },
  ];
  for (const each of wishes) {
    const wish = { ...WISH, ...each };
    const [one, other] = [await rendered(place.path, wish), await renderedHere(place.path, wish)];
    assert.ok(one.length > 1_000_000 && one.equals(other), JSON.stringify(each));
  }
  assert.ok((await rendered(place.path, WISH, 30_000)).equals(await renderedHere(place.path, WISH, 30_000)));
});

test('so it is with lines in it that the shim does not write', async () => {
  for (const [index, odd] of unusual.entries()) {
    using place = world(40_000, [odd, usual(1), usual(2)]);
    const [one, other] = [await rendered(place.path, WISH), await renderedHere(place.path, WISH)];
    assert.ok(one.equals(other), `unusual line ${index}`);
  }
});

test('who leaves in the middle ends the reader', async () => {
  using place = world(100_000);
  const query = { ...WISH, follow: false };
  for await (const piece of renderLog({ path: place.path, maxFiles: 1, ended: Promise.resolve() }, query, WISH)) {
    assert.ok(piece.length > 0);
    break;
  }
  const readers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
  for (let look = 0; look < 500 && readers() > 0; look++) await pause(10);
  assert.equal(readers(), 0);
});
