import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { digestOf, formatTimeNs, memoryRecordStores, nowNs } from '#base';
import { BuildHistory, type NewPastBuild } from './build-history.ts';

function world(limits?: Partial<ConstructorParameters<typeof BuildHistory>[2]>) {
  const root = mkdtempSync(`${tmpdir()}/skiff-history-`);
  const stores = memoryRecordStores();
  const all = { newest: 2, ageMs: 1000, most: 4, mostBytes: 1000, ...limits };
  return {
    root,
    open: () => new BuildHistory(root, stores, all),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

const HOUR_NS = 3_600_000_000_000n;

function build(ref: string, log: string, ageNs = 0n): [NewPastBuild, Buffer[]] {
  const bytes = Buffer.from(log);
  const at = formatTimeNs(nowNs() - ageNs);
  return [
    {
      ...{ ref, frontend: '', attributes: { target: 'x' }, exporters: [], createdAt: at, completedAt: at },
      ...{ answer: {}, statements: {}, isList: false, steps: { total: 1, completed: 1, cached: 0, warnings: 0 } },
      log: { mediaType: 'text/plain', digest: digestOf(bytes), sizeBytes: bytes.length },
    },
    [bytes],
  ];
}

const refs = (history: BuildHistory): string[] => history.list().map(({ ref }) => ref);

test('what a build left is found by its digest, and gone when it is removed', () => {
  using made = world();
  const history = made.open();
  history.add(...build('../../etc', 'a log'));
  const path = history.pathOf(digestOf('a log'))!;
  assert.equal(readFileSync(path, 'utf8'), 'a log');
  assert.ok(path.startsWith(`${made.root}/build/history/`), 'a name a client chose leads nowhere else');
  assert.deepEqual(made.open().get('../../etc'), history.get('../../etc'), 'another start has it too');
  assert.equal(history.remove('../../etc'), true);
  assert.equal(history.remove('../../etc'), false);
  assert.ok(!existsSync(path));
  assert.equal(history.pathOf(digestOf('a log')), undefined);
});

test('the newest stay, older ones for a while, never too many, and pinned ones always', () => {
  using made = world();
  const history = made.open();
  for (const [name, ageNs] of [
    ['old', HOUR_NS],
    ['older', HOUR_NS],
  ] as const)
    history.add(...build(name, name, ageNs));
  assert.deepEqual(refs(history), ['old', 'older'], 'age alone is no reason');
  history.pin('old', true);
  for (const name of ['a', 'b', 'c', 'd']) history.add(...build(name, name));
  assert.deepEqual(refs(history), ['old', 'a', 'b', 'c', 'd'], 'too old and not among the newest');
  history.add(...build('e', 'e'));
  assert.deepEqual(refs(history), ['old', 'b', 'c', 'd', 'e'], 'too many');
  assert.equal(history.get('old')?.generation, 1);
  history.pin('old', false);
  assert.deepEqual(refs(history), ['b', 'c', 'd', 'e']);
  assert.equal(readdirSync(`${made.root}/build/history`).length, 4, 'folders go with their records');
});

test('bytes are limited, and the newest build stays whatever it has', () => {
  using made = world({ mostBytes: 10 });
  const history = made.open();
  history.add(...build('a', 'x'.repeat(6)));
  history.add(...build('b', 'y'.repeat(6)));
  assert.deepEqual(refs(history), ['b']);
  history.add(...build('c', 'z'.repeat(60)));
  assert.deepEqual(refs(history), ['c']);
});

test('a folder without a record is removed, and long attributes are left out', () => {
  using made = world();
  mkdirSync(`${made.root}/build/history/left`, { recursive: true });
  const history = made.open();
  assert.equal(history.pathOf(digestOf('x')), undefined);
  assert.deepEqual(readdirSync(`${made.root}/build/history`), []);
  const [facts, contents] = build('a', 'x');
  history.add({ ...facts, attributes: { long: 'x'.repeat(70_000), target: 'y' } }, contents);
  assert.deepEqual(history.get('a')?.attributes, { target: 'y' });
});
