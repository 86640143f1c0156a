/**
 * The stock docker command line says the same about images against our daemon as against dockerd: the same exit codes,
 * the same words. And our own command line says the same as Docker's does against our daemon.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { missing } from '../support/needs.ts';
import type { Output } from '../support/engines.ts';
import { Side } from '../support/sides.ts';
import { differences, isReading, isUnordered, sameWords } from './images-differences.ts';
import { writeFiles } from './images-files.ts';
import { steps } from './images-steps.ts';

const skip = missing('root', 'dockerd', 'docker', 'docker-registry', 'nsenter', 'unshare', 'curl', 'busybox', 'tar');
const options = { skip, timeout: 300_000 };

const theirs = new Side('dockerd');
const ours = new Side('skiffd');
const sides = [theirs, ours];

before(async () => {
  if (skip !== false) return;
  for (const side of sides) {
    await side.start();
    side.known = await writeFiles(`${side.folder}/work`);
  }
});

after(async () => {
  for (const side of sides) await side[Symbol.asyncDispose]();
});

function told(step: string, { status, stdout, stderr }: Output): string {
  const text = (output: string): string => {
    const lines = sameWords(output).trimEnd().split('\n');
    if (!isUnordered(step)) return lines.join('\n');
    // Ids are numbered by the order of lines.
    return lines
      .map((line) => line.replace(/\b(id)-\d+/gi, '$1'))
      .toSorted()
      .join('\n');
  };
  return `status ${status}\n${text(stdout)}\n--\n${text(stderr)}`;
}

test('docker says the same about images against dockerd and skiffd', options, async (context) => {
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
