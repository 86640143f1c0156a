import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEvent } from '#engine';
import { matchesEvent, streamType } from './events.ts';

test('matchesEvent() wants every key, and of a key any value but for labels', () => {
  const container: EngineEvent = {
    type: 'container',
    action: 'exec_create: sh -c x',
    id: 'abcdef',
    attributes: { image: 'busybox:1', name: 'box', color: 'red', size: 'l' },
    timeNs: 1n,
  };
  const image: EngineEvent = {
    ...container,
    type: 'image',
    action: 'tag',
    id: 'sha256:0123',
    attributes: { name: 'busybox:1' },
  };
  const check = (event: EngineEvent, filters: Readonly<Record<string, readonly string[]>>, expected: boolean): void =>
    assert.equal(matchesEvent(event, new Map(Object.entries(filters))), expected, JSON.stringify(filters));
  check(container, {}, true);
  check(container, { type: ['image', 'container'] }, true);
  check(container, { type: ['image'] }, false);
  check(container, { event: ['exec_create'] }, true);
  check(container, { event: ['exec'] }, false);
  check(container, { container: ['box'] }, true);
  check(container, { container: ['abc'] }, true);
  check(container, { container: ['bo'] }, false);
  check(image, { container: ['busybox:1'] }, false);
  check(container, { image: ['busybox'] }, true);
  check(container, { image: ['busybox:2'] }, false);
  check(image, { image: ['012'] }, true);
  check(image, { image: ['busybox'] }, true);
  check(container, { label: ['color=red', 'size'] }, true);
  check(container, { label: ['color=red', 'size=m'] }, false);
  check(container, { scope: ['swarm'] }, false);
  check(container, { network: ['box'] }, false);
  check(container, { type: ['container'], event: ['start'] }, false);
});

test('the lines of events have the name the client likes best', () => {
  const named = (accept: string, expected: string): void => assert.equal(streamType(accept), expected, accept);
  named('', 'application/json');
  named('*/*', 'application/json');
  named('application/jsonl', 'application/jsonl');
  named('text/html, application/json-seq;q=0.5, application/x-ndjson', 'application/json-seq');
});
