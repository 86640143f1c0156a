import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIdMaps } from './id-map.ts';

const all = [{ containerID: 0, hostID: 0, size: 4294967295 }];

test('parseIdMaps() reads ranges; a kind that is not given stays as it is', () => {
  const check = (text: string, expected: object): void => assert.deepEqual(parseIdMaps(text), expected);
  check('uids=0-1000-1', { uids: [{ containerID: 0, hostID: 1000, size: 1 }], gids: all });
  check('gids=5-6-7', { uids: all, gids: [{ containerID: 5, hostID: 6, size: 7 }] });
  check('uids=0-100000-65536#70000-1-1;gids=0-0-4294967295', {
    uids: [
      { containerID: 0, hostID: 100000, size: 65536 },
      { containerID: 70000, hostID: 1, size: 1 },
    ],
    gids: all,
  });
});

test('parseIdMaps() says what is wrong', () => {
  const check = (text: string, words: RegExp): void => {
    const parsed = parseIdMaps(text);
    assert.ok('wrong' in parsed);
    assert.match(parsed.wrong, words);
  };
  check('', /'' is neither uids/);
  check('x=0-0-1', /'x=0-0-1' is neither uids/);
  check('uids=0-0-1;', /'' is neither uids/);
  check('uids=0-0-1;uids=1-1-1', /uids is given twice/);
  check('uids=', /uids: '' is no range/);
  check('gids=0-1', /gids: '0-1' is no range/);
  check('gids=0:1:2', /gids: '0:1:2' is no range/);
  check('uids=@0-1-2', /is no range/);
  check('uids=0-1-0', /of no ids/);
  check('uids=0-4294967295-1', /beyond the id 4294967294/);
  check('uids=1-0-4294967295', /beyond/);
  check('uids=0-10-5#4-20-5', /'4-20-5' shares ids with '0-10-5'/);
  check('uids=0-10-5#10-14-5', /shares ids/);
  check(`uids=${Array.from({ length: 341 }, (_, at) => `${at}-${at}-1`).join('#')}`, /more than 340/);
});
