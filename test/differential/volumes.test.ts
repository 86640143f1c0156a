/**
 * The stock docker command line says the same about volumes and mounts against our daemon as against dockerd, and our own
 * command line the same as Docker's does against our daemon.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Output } from '../support/engines.ts';
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

function told(step: string, { status, stdout, stderr }: Output): string {
  const text = (output: string): string => {
    const lines = sameWords(output).trimEnd().split('\n');
    return (isUnordered(step) ? lines.toSorted() : lines).join('\n');
  };
  return `status ${status}\n${text(stdout)}\n--\n${text(stderr)}`;
}

test('docker says the same about volumes against dockerd and skiffd', options, async (context) => {
  const deliberate = new Map(differences.flatMap((each) => each.steps.map((step) => [step, each] as const)));
  for (const step of deliberate.keys()) assert.ok(steps.includes(step), `a difference of no step: ${step}`);
  for (const step of steps) {
    const [expected, actual] = await Promise.all([theirs.run(step), ours.run(step)]);
    await context.test(step, () => {
      const difference = deliberate.get(step);
      if (difference) {
        assert.notEqual(told(step, actual), told(step, expected), 'it is listed as a difference and is none');
        assert.match(`${actual.stdout}${actual.stderr}`, difference.ours, difference.name);
      } else {
        assert.equal(told(step, actual), told(step, expected));
      }
    });
    if (isReading(step)) {
      const [docker, skiff] = await Promise.all([
        ours.run(step, { program: 'docker', apiVersion: '1.51' }),
        ours.run(step, { program: 'skiff', apiVersion: '1.51' }),
      ]);
      await context.test(`skiff: ${step}`, () => assert.equal(told(step, skiff), told(step, docker)));
    }
  }
});

test('each deliberate difference is in docs/differences.md with its reason', () => {
  const rows = readFileSync(`${import.meta.dirname}/../../docs/differences.md`, 'utf8').split('\n');
  for (const { name } of differences) {
    const row = rows.find((line) => line.startsWith(`| ${name} |`));
    assert.ok(row, name);
    assert.match(row.split('|')[4] ?? '', /\w{4}/, `the reason of '${name}'`);
  }
});
