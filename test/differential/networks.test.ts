/**
 * The stock docker command line says the same about networks and ports against our daemon as against dockerd, and our own
 * command line the same as Docker's does against our daemon. Each daemon has a network of its own.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { compareSides } from '../support/compare-sides.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';
import { Side } from '../support/sides.ts';
import { differences, isReading, sameWords, steps } from './networks-steps.ts';

const skip = missing(
  'root',
  'dockerd',
  'docker',
  'docker-registry',
  'nsenter',
  'unshare',
  'curl',
  'busybox',
  'iptables',
);
const options = { skip, timeout: 300_000 };

const theirs = new Side('dockerd');
const ours = new Side('skiffd');

before(async () => {
  if (skip !== false) return;
  for (const side of [theirs, ours]) {
    await side.start({ networks: true });
    const { status, stderr } = await side.raw(`docker import -c 'CMD ["sh"]' ${busyboxTar()} busybox`);
    assert.equal(status, 0, stderr);
  }
});

after(async () => {
  for (const side of [theirs, ours]) await side[Symbol.asyncDispose]();
});

compareSides({
  what: 'networks',
  ...{ theirs, ours, steps, differences, isReading, options },
  told: (_step, output) => sameWords(output).trimEnd(),
});
