import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf } from '#base';
import { filters, timestamp } from './query.ts';

test('filters are read in both forms, and a key without a value filters nothing', () => {
  const check = (text: string, expected: Readonly<Record<string, readonly string[]>> | string): void => {
    let found: unknown;
    try {
      found = Object.fromEntries(filters(new URLSearchParams({ filters: text }), ['label', 'name']));
    } catch (error) {
      found = messageOf(error);
    }
    assert.deepEqual(found, expected, text);
  };
  check('', {});
  check('null', {});
  check('{}', {});
  check('{"label":["a","b","a"]}', { label: ['a', 'b'] });
  check('{"label":{"a":true,"b":false}}', { label: ['a', 'b'] });
  check('{"label":[],"name":null}', {});
  check('{"label":{}}', {});
  check('[]', 'invalid filter: filters have to be an object, and are []');
  check('"label"', 'invalid filter: filters have to be an object, and are "label"');
  check('{"other":["a"]}', "invalid filter 'other'");
  check('{"label":"a"}', 'invalid filter: label has to be a list of strings, and is "a"');
  check('{"label":[1]}', 'invalid filter: label has to be a list of strings, and is [1]');
  check('{"label":{"a":1}}', 'invalid filter: label has to be a list of strings, and is {"a":1}');
});

test('a time is Unix seconds with any fraction, or RFC 3339', () => {
  const of = (t: string): bigint | undefined => timestamp(new URLSearchParams({ t }), 't');
  for (const none of ['', '0']) assert.equal(of(none), undefined);
  assert.equal(of('1.5'), 1_500_000_000n);
  assert.equal(of('1.9999999999'), 1_999_999_999n);
  assert.equal(of('1970-01-01T00:00:02Z'), 2_000_000_000n);
  for (const text of ['x', '1.', '1e3', '2020-13-01T00:00:00Z', '99999999999999999999']) {
    assert.throws(() => of(text), { message: `invalid value for "t": value must be a timestamp: '${text}'` });
  }
});
