import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { readProcessStat } from '#linux';
import { lockFolder } from './lock.ts';
import { claimFolder, type ContainerState, folderOf, listFolders, liveProcess, loadState, saveState } from './state.ts';

function root(context: TestContext): string {
  const folder = mkdtempSync(`${tmpdir()}/skiff-state-`);
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const state = (life: ContainerState['life']): ContainerState => ({
  version: 1,
  id: 'c',
  bundle: '/b',
  rootfs: '/b/rootfs',
  config: { ociVersion: '1.0.0', process: { cwd: '/', rlimits: [{ type: 'X', soft: 1, hard: 2n ** 64n - 1n }] } },
  created: '2026-01-02T03:04:05.000Z',
  ownerUid: 0,
  noNewKeyring: false,
  life,
});

test('ids that could lead out of the root folder are refused', () => {
  for (const id of ['', '.', '..', 'a/b', '../x', 'a b', 'a\0']) {
    assert.throws(() => folderOf('/r', id), /invalid container ID/, JSON.stringify(id));
  }
  assert.equal(folderOf('/r', 'A_b+c-1.2'), '/r/A_b+c-1.2');
});

test('an id can be claimed once; a state is read back with its 64-bit numbers', (t) => {
  const folder = claimFolder(root(t), 'c');
  const parent = folder.slice(0, -2);
  assert.throws(() => claimFolder(parent, 'c'), /already exists: c/);
  assert.throws(() => loadState(parent, 'c'), /container does not exist: c/);
  const saved = state({ phase: 'created', pid: 1, startTime: '1' });
  saveState(folder, saved);
  assert.deepEqual(loadState(parent, 'c'), saved);
  assert.deepEqual(listFolders(parent), ['c']);
  assert.deepEqual(listFolders(`${parent}/none`), []);
});

test('a state of another version, or one that is cut off, is named', (t) => {
  const parent = root(t);
  const folder = claimFolder(parent, 'c');
  for (const text of ['{"version":2}', 'null', '{"version":']) {
    writeFileSync(`${folder}/state.json`, text);
    assert.throws(() => loadState(parent, 'c'), /state.json/, text);
  }
});

test('a process lives only with its own start time', () => {
  const startTime = String(readProcessStat(process.pid)?.startTime);
  assert.ok(liveProcess(state({ phase: 'created', pid: process.pid, startTime })));
  assert.equal(liveProcess(state({ phase: 'created', pid: process.pid, startTime: '1' })), undefined);
  assert.equal(liveProcess(state({ phase: 'creating', pid: process.pid, startTime })), undefined);
});

test('a lock is held by one at a time, and that of a dead process is taken over', async (t) => {
  const folder = root(t);
  let inside = 0;
  const work = async (): Promise<void> => {
    using _lock = await lockFolder(folder);
    inside += 1;
    assert.equal(inside, 1);
    await new Promise((resolve) => setTimeout(resolve, 3));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, work));
  const [last = ''] = readdirSync(folder);
  assert.deepEqual(readdirSync(folder), [last], 'only the newest file stays');
  writeFileSync(`${folder}/${last}`, '999999999 1\n');
  await work();
});

test('a lock is released without trouble when the folder is gone', async (t) => {
  const folder = `${root(t)}/c`;
  claimFolder(folder.slice(0, -2), 'c');
  const lock = await lockFolder(folder);
  rmSync(folder, { recursive: true });
  lock[Symbol.dispose]();
  assert.equal(existsSync(folder), false);
});
