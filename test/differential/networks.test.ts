/**
 * The stock docker command line says the same about networks and ports against our daemon as against dockerd, and our own
 * command line the same as Docker's does against our daemon. Each daemon has a network of its own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Output } from '../support/engines.ts';
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

const told = ({ status, stdout, stderr }: Output): string =>
  `status ${status}\n${sameWords(stdout).trimEnd()}\n--\n${sameWords(stderr).trimEnd()}`;

test('docker says the same about networks against dockerd and skiffd', options, async (context) => {
  const deliberate = new Map(differences.flatMap((each) => each.steps.map((step) => [step, each] as const)));
  for (const step of deliberate.keys()) assert.ok(steps.includes(step), `a difference of no step: ${step}`);
  for (const step of steps) {
    const [expected, actual] = await Promise.all([theirs.run(step), ours.run(step)]);
    await context.test(step, () => {
      const difference = deliberate.get(step);
      if (difference) {
        assert.notEqual(told(actual), told(expected), 'it is listed as a difference and is none');
        assert.match(`${actual.stdout}${actual.stderr}`, difference.ours, difference.name);
      } else {
        assert.equal(told(actual), told(expected));
      }
    });
    if (isReading(step)) {
      const [docker, skiff] = await Promise.all([
        ours.run(step, { program: 'docker', apiVersion: '1.51' }),
        ours.run(step, { program: 'skiff', apiVersion: '1.51' }),
      ]);
      await context.test(`skiff: ${step}`, () => assert.equal(told(skiff), told(docker)));
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
