/**
 * The stock docker command line says the same about images against our daemon as against dockerd: the same exit codes,
 * the same words. And our own command line says the same as Docker's does against our daemon.
 */
import { after, before } from 'node:test';
import { compareSides } from '../support/compare-sides.ts';
import { missing } from '../support/needs.ts';
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

compareSides({
  what: 'images',
  ...{ theirs, ours, steps, differences, isReading, options },
  told: (step, output) => {
    const lines = sameWords(output).trimEnd().split('\n');
    if (!isUnordered(step)) return lines.join('\n');
    // Ids are numbered by the order of lines.
    return lines
      .map((line) => line.replace(/\b(id)-\d+/gi, '$1'))
      .toSorted()
      .join('\n');
  },
});
