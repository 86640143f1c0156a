import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { memoryRecordStores } from '#base';
import { BuildHistory } from '#build';
import { GrpcError, grpcCode } from '#rpc/grpc';
import { control } from '#specs/buildkit';
import { ProgressOfBuild } from '../progress-of-build.ts';
import { BuildRecords, type Ending } from './build-records.ts';
import { listenBuildHistory, pastStatus, updateBuildHistory } from './history-handlers.ts';

type Plain<Message> = Partial<Omit<Message, '$typeName' | '$unknown'>>;
type ListWish = Plain<control.BuildHistoryRequest>;
type ChangeWish = Plain<control.UpdateBuildHistoryRequest>;

const done: Ending = { kind: 'done', answer: { 'image.name': 'a' }, origins: new Map(), isList: false };
const { STARTED, COMPLETE, DELETED } = control.BuildHistoryEventType;

function world() {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-records-`);
  const warned: string[] = [];
  const log = { warn: (what: string) => void warned.push(what) };
  const records = new BuildRecords(new BuildHistory(dataRoot, memoryRecordStores()), log);
  const begin = (ref: string) => {
    const progress = new ProgressOfBuild(ref);
    return records.begin({ ref, frontend: '', attributes: { target: 't' }, exporters: [], progress });
  };
  const { signal } = new AbortController();
  const listen = (more: ListWish, until = signal) =>
    listenBuildHistory(records, create(control.BuildHistoryRequestSchema, more), until);
  const update = (more: ChangeWish) =>
    updateBuildHistory(records, create(control.UpdateBuildHistoryRequestSchema, more));
  const refs = async (more: ListWish) =>
    (await Array.fromAsync(listen({ EarlyExit: true, ...more }))).map(({ type, record }) => `${type} ${record?.Ref}`);
  const remove = (): void => rmSync(dataRoot, { recursive: true, force: true });
  return { dataRoot, records, warned, begin, listen, update, refs, [Symbol.dispose]: remove };
}

test('builds under way and those that are over are listed, as far as they are asked for', async () => {
  using made = world();
  assert.deepEqual(await made.refs({ ActiveOnly: true, Ref: 'buildx-test-history-api-feature' }), []);
  made.begin('a').end(done);
  const open = made.begin('b');
  assert.deepEqual(await made.refs({}), [`${STARTED} b`, `${COMPLETE} a`]);
  assert.deepEqual(await made.refs({ ActiveOnly: true }), [`${STARTED} b`]);
  assert.deepEqual(await made.refs({ Ref: 'a' }), [`${COMPLETE} a`]);
  open.end({ kind: 'failed', error: new GrpcError(grpcCode.cancelled, 'it was cut off', Buffer.from('status')) });
  const [failed] = await Array.fromAsync(made.listen({ EarlyExit: true, Filter: ['status==canceled'] }));
  assert.deepEqual([failed?.record?.Ref, failed?.record?.error?.message], ['b', 'it was cut off: context canceled']);
  assert.equal((await made.refs({ Limit: 1 })).length, 1);
  await assert.rejects(made.refs({ Limit: -1 }), { code: 'buildkit.badHistoryLimit' });
});

test('who stays hears what changes, until nobody wants it any more', async () => {
  using made = world();
  const stop = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    for await (const { type, record } of made.listen({}, stop.signal)) heard.push(`${type} ${record?.Ref}`);
  })();
  await new Promise(setImmediate);
  made.begin('a').end(done);
  made.update({ Ref: 'a', Pinned: true });
  made.update({ Ref: 'a', Finalize: true });
  const unwanted = made.begin('b');
  made.update({ Ref: 'b', Delete: true });
  unwanted.end(done);
  await new Promise(setImmediate);
  stop.abort();
  await listening;
  const changes = [`${STARTED} a`, `${COMPLETE} a`, `${COMPLETE} a`, `${STARTED} b`, `${DELETED} b`];
  assert.deepEqual(heard, changes);
  assert.deepEqual([made.records.history.get('a')?.isPinned, made.records.history.get('b')], [true, undefined]);
  for (const more of [{ Delete: true }, { Pinned: true }, { Finalize: true }]) {
    assert.throws(() => made.update({ Ref: 'none', ...more }), { code: 'buildkit.noRecord' });
  }
});

test('what a build has told is told again; one that cannot be recorded is no failure', async () => {
  using made = world();
  const progress = new ProgressOfBuild('a');
  const recording = made.records.begin({ ref: 'a', frontend: '', attributes: {}, exporters: [], progress });
  await progress.during('[internal] something', async () => {});
  recording.end(done);
  const told = [...pastStatus(made.records, 'a')!].flatMap(({ vertexes }) =>
    vertexes.map(({ name, completed }) => [name, completed !== undefined]),
  );
  assert.deepEqual(told, [
    ['[internal] something', false],
    ['[internal] something', true],
  ]);
  assert.equal(made.records.history.get('a')?.steps.completed, 1);
  assert.equal(pastStatus(made.records, 'none'), undefined);
  using other = world();
  // Where its folder should be.
  writeFileSync(`${other.dataRoot}/build`, '');
  other.begin('x').end(done);
  assert.equal(other.warned.length, 1);
  assert.deepEqual(await other.refs({}), []);
});
