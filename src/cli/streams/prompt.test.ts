import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { prompt, readSecretFromInput } from './prompt.ts';

function terminal(): {
  stdin: PassThrough & { raw: boolean[]; setRawMode(on: boolean): void };
  output: PassThrough;
  shown: () => string;
} {
  const raw: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { raw, setRawMode: (on: boolean) => void raw.push(on) });
  const output = new PassThrough();
  let text = '';
  output.on('data', (piece: Buffer) => (text += piece.toString()));
  return { stdin, output, shown: () => text };
}

test('prompt() takes one line and leaves the next to the next question', async () => {
  const { stdin, output, shown } = terminal();
  stdin.write('ann\r\nsec');
  assert.equal(await prompt('Username: ', { stdin, output }), 'ann');
  assert.equal(shown(), 'Username: ');
  assert.deepEqual(stdin.raw, []);
  stdin.write('rex\x7ft\r');
  assert.equal(await prompt('Password: ', { stdin, output, hidden: true }), 'secret');
  assert.equal(shown(), 'Username: Password: \n');
  assert.deepEqual(stdin.raw, [true, false]);
});

test('a hidden line can be cleared and interrupted, and ends with the input', async () => {
  const check = async (typed: string, expected: string): Promise<void> => {
    const { stdin, output } = terminal();
    stdin.end(typed);
    assert.equal(await prompt('', { stdin, output, hidden: true }), expected, JSON.stringify(typed));
  };
  await check('wrong\x15right\n', 'right');
  await check('\x7f\x7fa\x04', 'a');
  await check('no end', 'no end');
  await check('p\u00e4ss\u{1f511}\x7f\n', 'p\u00e4ss');
  const { stdin, output } = terminal();
  stdin.write('sec\x03');
  await assert.rejects(prompt('', { stdin, output, hidden: true }), { exitCode: 130 });
  assert.deepEqual(stdin.raw, [true, false]);
});

test('readSecretFromInput() takes one line end away, and no more', async () => {
  const check = async (given: string, expected: string): Promise<void> => {
    const stdin = new PassThrough();
    stdin.end(given);
    assert.equal(await readSecretFromInput(stdin), expected, JSON.stringify(given));
  };
  await check('secret\n', 'secret');
  await check('secret\r\n', 'secret');
  await check('two\nlines\n\n', 'two\nlines\n');
  await check('', '');
  const stdin = new PassThrough();
  stdin.end('x'.repeat(100));
  await assert.rejects(readSecretFromInput(stdin, 10), { message: /that is no password/ });
});
