/**
 * The stock docker command line says the same about volumes and mounts against our daemon as against dockerd, and our own
 * command line the same as Docker's does against our daemon.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { after, before } from 'node:test';
import { compareSides } from '../support/compare-sides.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';
import { Side } from '../support/sides.ts';
import { differences, isReading, isUnordered, sameWords, steps } from './volumes-steps.ts';

const skip = missing('root', 'dockerd', 'docker', 'docker-registry', 'nsenter', 'unshare', 'curl', 'busybox', 'tar');
const options = { skip, timeout: 300_000 };

const theirs = new Side('dockerd');
const ours = new Side('skiffd');
const sides = [theirs, ours];

before(async () => {
  if (skip !== false) return;
  for (const side of sides) {
    await side.start();
    mkdirSync(`${side.folder}/work/kept`);
    await giveImages(side);
  }
});

after(async () => {
  for (const side of sides) await side[Symbol.asyncDispose]();
});

/** busybox as `plain`, and as `image` with a folder that is a volume; no networks, which dockerd has none of here. */
async function giveImages(side: Side): Promise<void> {
  const folder = mkdtempSync(`${side.folder}/image-`);
  const script = `
    tar -xf ${busyboxTar()} && mkdir -p data/sub && echo one > data/f && ln data/f data/hard && ln -s f data/link
    chown 5:6 data && chmod 2750 data && chown 7 data/sub && ln -s data link && echo x > file
    tar -cf ../image.tar .`;
  execFileSync('sh', ['-ec', script], { cwd: folder });
  rmSync(folder, { recursive: true });
  for (const changes of ['-c \'CMD ["sh"]\'', "-c 'CMD [\"sh\"]' -c 'VOLUME /data'"]) {
    const name = changes.includes('VOLUME') ? 'image' : 'plain';
    const { status, stderr } = await side.raw(`docker import ${changes} ../image.tar ${name}`);
    assert.equal(status, 0, stderr);
  }
}

compareSides({
  what: 'volumes',
  ...{ theirs, ours, steps, differences, isReading, options },
  told: (step, output) => {
    const lines = sameWords(output).trimEnd().split('\n');
    return (isUnordered(step) ? lines.toSorted() : lines).join('\n');
  },
});
