import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, digestOf } from '#base';
import { chainIdOf } from './chain-id.ts';

const [a, b, c] = ['a', 'b', 'c'].map((text) => digestOf(text)) as [Digest, Digest, Digest];

test('the ChainID of one layer is its DiffID, of more the digest of the one below and the DiffID', () => {
  assert.equal(chainIdOf([a]), a);
  assert.equal(chainIdOf([a, b]), digestOf(`${a} ${b}`));
  assert.equal(chainIdOf([a, b, c]), digestOf(`${digestOf(`${a} ${b}`)} ${c}`));
});
