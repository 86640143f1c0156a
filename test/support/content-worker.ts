/**
 * Works on a content store until it is killed: `content-worker.ts FOLDER work SEED` says each blob that has to outlive
 * it on a line of its own, `content-worker.ts FOLDER fill` writes until the disk is full and says what happened.
 */
import { randomBytes } from 'node:crypto';
import { openRecordStores, SkiffError } from '#base';
import { DiskContentStore } from '#images';

const [folder, mode, seed] = process.argv.slice(2);
const store = new DiskContentStore({
  folder: `${folder}/content`,
  records: openRecordStores(`${folder}/records.db`),
});

if (mode === 'fill') await fill();
else await work(Number(seed));

async function work(seed: number): Promise<never> {
  const kept = store.lease('kept');
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state % below;
  };
  for (let turn = 0; ; turn++) {
    const loose = store.lease(`loose-${turn}`);
    const lease = random(3) === 0 ? kept : loose;
    const key = `${seed}-${turn}`;
    const ingest = await store.ingest(key, { lease });
    for (let chunks = random(20); chunks >= 0; chunks--) await ingest.write(randomBytes(random(200_000)));
    if (random(5) === 0) {
      await ingest[Symbol.asyncDispose]();
    } else {
      const layer = await ingest.commit();
      const manifest = store.put(randomBytes(300), { lease, references: [layer.digest] });
      if (lease === kept) process.stdout.write(`${manifest.digest} ${layer.digest}\n`);
    }
    if (random(2) === 0) loose.release();
    else loose.keepFor(1);
    if (random(3) === 0) await store.collect([]);
  }
}

async function fill(): Promise<void> {
  const lease = store.lease('fill');
  const ingest = await store.ingest('big', { lease });
  try {
    for (;;) await ingest.write(randomBytes(100_000));
  } catch (error) {
    await ingest[Symbol.asyncDispose]();
    const code = error instanceof SkiffError ? error.code : '';
    const [partial] = store.ingests();
    const again = await store.ingest('big', { lease });
    const heldBytes = again.sizeBytes;
    await again.abort();
    let put = '';
    try {
      for (;;) store.put(randomBytes(100_000), { lease });
    } catch (full) {
      put = full instanceof SkiffError ? full.code : String(full);
    }
    const message = error instanceof Error ? error.message : '';
    console.log(JSON.stringify({ code, message, partialBytes: partial?.sizeBytes, heldBytes, put }));
  }
}
