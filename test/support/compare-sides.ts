/** The same steps against dockerd and our daemon, and read with Docker's command line and ours: each says the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Output } from './engines.ts';
import type { Side } from './sides.ts';

export interface Difference {
  readonly name: string;
  readonly steps: readonly string[];
  /** What ours says. */
  readonly ours: RegExp;
}

export interface Comparison {
  /** `images`: for the name of the test. */
  readonly what: string;
  readonly theirs: Side;
  readonly ours: Side;
  readonly steps: readonly string[];
  readonly differences: readonly Difference[];
  /** Read twice: with Docker's command line and with ours. */
  isReading(step: string): boolean;
  /** What is to be compared of an output. */
  told(step: string, text: string): string;
  readonly options: { readonly skip: string | false; readonly timeout: number };
}

/** Registers the tests. A difference that is not listed fails, and so does a listed one that is none. */
export function compareSides({ what, theirs, ours, steps, differences, options, ...by }: Comparison): void {
  const told = (step: string, { status, stdout, stderr }: Output): string =>
    `status ${status}\n${by.told(step, stdout)}\n--\n${by.told(step, stderr)}`;

  test(`docker says the same about ${what} against dockerd and skiffd`, options, async (context) => {
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
      if (!by.isReading(step)) continue;
      const [docker, skiff] = await Promise.all([
        ours.run(step, { program: 'docker', apiVersion: '1.51' }),
        ours.run(step, { program: 'skiff', apiVersion: '1.51' }),
      ]);
      await context.test(`skiff: ${step}`, () => assert.equal(told(step, skiff), told(step, docker)));
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
}
