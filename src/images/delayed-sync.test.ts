import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { createLog, memoryRecordStores } from '#base';
import { helperPath } from '#linux';
import { DelayedSync } from './delayed-sync.ts';
import { addImage, fakeParts } from './fake-parts.ts';
import { recoverUnsynced } from './recover-unsynced.ts';

const log = createLog('error');

test('what is not on the disk yet is told to a start under another boot, and to none after the sync', async () => {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-sync-`);
  try {
    const records = memoryRecordStores();
    const options = { records, dataRoot, helperProgram: helperPath(), log, delayMs: 60_000 };
    const first = new DelayedSync({ ...options, bootId: 'one' });
    assert.equal(first.lostSince(), undefined);
    first.note();
    const since = new DelayedSync({ ...options, bootId: 'two' }).lostSince();
    assert.match(since ?? '', /^20/);
    assert.equal(new DelayedSync({ ...options, bootId: 'one' }).lostSince(), undefined, 'the kernel still has it');
    first.note();
    assert.equal(new DelayedSync({ ...options, bootId: 'two' }).lostSince(), since, 'the first is what counts');
    await Promise.all([first.flush(), first.flush()]);
    await first.flush();
    assert.equal(new DelayedSync({ ...options, bootId: 'two' }).lostSince(), undefined);
  } finally {
    rmSync(dataRoot, { recursive: true, force: true });
  }
});

test('a blob that lost data takes its image with it, others stay; layers made since are not trusted', async () => {
  using parts = fakeParts();
  const damaged = await addImage(parts, { tags: ['damaged:1'], layers: ['lost'] });
  const whole = await addImage(parts, { tags: ['whole:1'], layers: ['kept'] });
  writeFileSync(parts.content.path(damaged.layers[0]!.diffId), 'XXXX');
  // Nothing can be unpacked again here: only images from before stay.
  await recoverUnsynced(parts, '2999-01-01T00:00:00Z', log);
  assert.deepEqual(parts.index.list().length, 2, 'what came before is not looked at');
  const since = parts.content.stat(damaged.layers[0]!.diffId)!.createdAt;
  await recoverUnsynced(parts, since, log);
  assert.equal(parts.index.get(damaged.id), undefined);
  assert.ok(parts.content.stat(whole.id) !== undefined, 'its blobs are whole');
  assert.deepEqual(parts.layers.list(), []);
});
