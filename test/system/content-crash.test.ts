/** The content store under kill -9 at any moment, and on a full disk: nothing half-made, nothing lost. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite, test } from 'node:test';
import { type Digest, openRecordStores } from '#base';
import { checkContent, DiskContentStore } from '#images';
import { missing } from '../support/needs.ts';
import { pause } from '../support/eventually.ts';

const WORKER = `${import.meta.dirname}/../support/content-worker.ts`;
const ROUNDS = 12;
const DAY_MS = 24 * 3_600_000;
const empty = { count: 0, bytes: 0, reclaimableCount: 0, reclaimableBytes: 0, ingestCount: 0, ingestBytes: 0 };

suite('the content store', { skip: missing('root') }, () => {
  test('killed at any moment, it opens clean and has what was promised', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(`${tmpdir()}/skiff-content-crash-`);
    let promised = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const digests = await workUntilKilled(folder, round + 1, 20 + Math.random() * 250);
        promised += digests.length;
        const records = openRecordStores(`${folder}/records.db`);
        const store = new DiskContentStore({ folder: `${folder}/content`, records });
        assert.deepEqual(await checkContent(store, { deep: true }), [], `round ${round}`);
        await store.collect([]);
        for (const digest of digests) assert.ok(store.stat(digest), `${digest} of round ${round} is there`);
        const later = new DiskContentStore({ folder: `${folder}/content`, records, nowMs: () => Date.now() + DAY_MS });
        await later.collect([]);
        assert.deepEqual(later.usage([]), empty, `round ${round} leaves nothing behind when its leases are over`);
        records.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    assert.ok(promised > ROUNDS, `it got as far as making blobs: ${promised}`);
  });

  test('on a full disk it says so, keeps the partial blob and goes on', () => {
    const folder = mkdtempSync(`${tmpdir()}/skiff-content-full-`);
    try {
      const script = `mount -t tmpfs -o size=6m none ${folder} && exec "$0" ${WORKER} ${folder} fill`;
      const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath], {
        encoding: 'utf8',
      });
      assert.notEqual(stdout, '', stderr);
      const { code, message, partialBytes, heldBytes, put } = JSON.parse(stdout) as Record<string, string | number>;
      assert.equal(code, 'content.noSpace');
      assert.match(
        String(message),
        new RegExp(`^no space left to write ${folder}/content/ingest/[0-9a-f]{64} \\(.* free\\)`),
      );
      assert.ok(Number(heldBytes) > 4_000_000, `${heldBytes} bytes are kept`);
      assert.equal(partialBytes, heldBytes);
      assert.match(String(put), /^(content|records)\.noSpace$/, 'its file, or what is noted of it, has no room');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Lets the worker work for a time after it began, kills it, and gives what it had promised. */
async function workUntilKilled(folder: string, seed: number, milliseconds: number): Promise<Digest[]> {
  const child = spawn(process.execPath, [WORKER, folder, 'work', String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const begun = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    begun.resolve();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => begun.resolve());
  await begun.promise;
  await pause(milliseconds);
  assert.equal(child.exitCode, null, 'the worker works until it is killed');
  child.kill('SIGKILL');
  await ended;
  const whole = said.slice(0, said.lastIndexOf('\n') + 1);
  return whole.split(/\s/).filter((word) => word !== '') as Digest[];
}
