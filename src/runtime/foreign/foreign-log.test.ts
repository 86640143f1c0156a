import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { lastError, lastErrorIn } from './foreign-log.ts';

test('the last error of a log counts, whatever stands around it', () => {
  for (const [log, message] of [
    ['{"level":"error","msg":"exec: \\"x\\": permission denied","time":"now"}\n', 'exec: "x": permission denied'],
    ['{"level":"error","msg":"first"}\n{"level":"fatal","msg":"last"}\n{"level":"info","msg":"bye"}\n', 'last'],
    ['plain words\n{"msg":"cut', undefined],
    ['{"level":"error","msg":7}\n{"level":"error","msg":""}\n', undefined],
    ['{"level":"warning","msg":"mere"}\n', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(lastError(log), message, log);
  }
});

test('a file that is not there, or very long', (t) => {
  const folder = mkdtempSync('/tmp/skiff-log-');
  t.after(() => rmSync(folder, { recursive: true }));
  assert.equal(lastErrorIn(`${folder}/none`), undefined);
  const line = (msg: string): string => `${JSON.stringify({ level: 'error', msg })}\n`;
  writeFileSync(`${folder}/log`, line('old') + line('x'.repeat(200_000)) + line('new'));
  assert.equal(lastErrorIn(`${folder}/log`), 'new');
  writeFileSync(`${folder}/log`, line('y'.repeat(50_000)));
  assert.equal(lastErrorIn(`${folder}/log`)?.length, 4096);
});

test('random bytes are an error’s text or none, and nothing else', () => {
  let seed = 11;
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
  const words = [
    '{',
    '}',
    '"level"',
    '"msg"',
    ':',
    '"error"',
    ',',
    '\n',
    'null',
    '[',
    ']',
    '\u0000',
    '\ufffd',
    '1e999',
    '\\',
  ];
  for (let turn = 0; turn < 2000; turn++) {
    const text = Array.from({ length: random(20) }, () => words[random(words.length)]).join('');
    const found = lastError(text);
    assert.ok(found === undefined || typeof found === 'string', text);
  }
});
