import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson64, parseJson64 } from './json.ts';

function check(text: string, value: unknown): void {
  assert.deepEqual(parseJson64(text), value);
}

test('parseJson64() keeps every digit of integers that do not fit into a number', () => {
  check('{"hard":18446744073709551615,"soft":1024}', { hard: 18446744073709551615n, soft: 1024 });
  check('[-9223372036854775808]', [-9223372036854775808n]);
  check('[9007199254740991, 9007199254740993]', [9007199254740991, 9007199254740993n]);
});

test('parseJson64() leaves fractions, exponents and digits inside strings alone', () => {
  check('[1234567890123456.5, 1e30, "18446744073709551615"]', [1234567890123456.5, 1e30, '18446744073709551615']);
});

test('formatJson64() writes bigints as integers and reads back the same', () => {
  const text = '{"hard":18446744073709551615,"name":"RLIMIT_NOFILE"}';
  assert.equal(formatJson64(parseJson64(text)), text);
});

test('parseJson64() refuses what JSON.parse refuses', () => {
  assert.throws(() => parseJson64('{"a":01234567890123456789}'), SyntaxError);
});
