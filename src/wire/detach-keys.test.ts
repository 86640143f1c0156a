import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetachKeys, parseDetachKeys } from './detach-keys.ts';

function check(text: string, expected: readonly number[]) {
  test(`parseDetachKeys('${text}')`, () => assert.deepEqual([...(parseDetachKeys(text) ?? [])], expected));
}

check('ctrl-p,ctrl-q', [16, 17]);
check('a', [97]);
check('ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [0, 27, 28, 29, 30, 31]);
check('ctrl-A,x', [1, 120]);

for (const text of ['', 'foo', 'ctrl-', 'ctrl-1', 'a,', 'é']) {
  test(`parseDetachKeys() refuses '${text}'`, () => assert.equal(parseDetachKeys(text), undefined));
}

/** Types the text one byte at a time and all at once; both must give the same. */
function typed(keys: string, text: string, passed: string, detached: boolean) {
  test(`keys ${keys} in ${JSON.stringify(text)}`, () => {
    for (const size of [1, text.length]) {
      const finder = new DetachKeys(Buffer.from(keys));
      let data = '';
      let found = false;
      for (let at = 0; at < text.length && !found; at += size) {
        const result = finder.push(Buffer.from(text.slice(at, at + size)));
        data += result.data.toString();
        found = result.detached;
      }
      assert.deepEqual({ data, found }, { data: passed, found: detached }, `in pieces of ${size}`);
    }
  });
}

typed('pq', 'hello', 'hello', false);
typed('pq', 'hepqllo', 'he', true);
typed('pq', 'ppq', 'p', true);
typed('pq', 'pxpq', 'px', true);
typed('pq', 'apb', 'apb', false);
typed('pq', 'ap', 'a', false);
typed('aab', 'aaab', 'a', true);
typed('abac', 'ababac', 'ab', true);
typed('abab', 'abacabab', 'abac', true);
