/** The stock docker command line says the same about builds with its classic builder against our daemon as against dockerd. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { compareSides } from '../support/compare-sides.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';
import { Side } from '../support/sides.ts';
import { differences, steps } from './builds-steps.ts';

const skip = missing('root', 'dockerd', 'docker', 'docker-registry', 'nsenter', 'unshare', 'curl', 'busybox', 'tar');
const options = { skip, timeout: 300_000 };

const theirs = new Side('dockerd');
const ours = new Side('skiffd');
const sides = [theirs, ours];

const CONTEXT: Readonly<Record<string, string>> = {
  Dockerfile: `FROM base AS first
ARG WHO=world
ENV HELLO=$WHO
RUN echo kept > /kept
FROM first
COPY copied /copied
COPY . /all/
WORKDIR /all
USER 7
CMD ["echo", "hi"]
`,
  Other: 'FROM base\nENV OTHER=1\n',
  copied: 'copied\n',
  'ignored.txt': 'no\n',
  '.dockerignore': 'ignored.txt\n',
};

before(async () => {
  if (skip !== false) return;
  for (const side of sides) {
    await side.start();
    mkdirSync(`${side.folder}/work/context`);
    for (const [name, text] of Object.entries(CONTEXT)) writeFileSync(`${side.folder}/work/context/${name}`, text);
    assert.equal((await side.raw(`docker import ${busyboxTar()} base`)).status, 0);
  }
});

after(async () => {
  for (const side of sides) await side[Symbol.asyncDispose]();
});

/** What a step is, its containers and images are told by dockerd alone, which makes them; newer versions say "on line". */
const told = (_: string, text: string): string =>
  text
    .replaceAll(/\r/g, '')
    .replaceAll(/^(?: ---> .*|Step \d+\/\d+ : .*|Removing intermediate container .*)\n/gm, '')
    .replaceAll('Dockerfile parse error line', 'Dockerfile parse error on line')
    .replaceAll('dockerfile parse error line', 'dockerfile parse error on line')
    .replaceAll(/^(?:Error response from daemon: )?(?:failed to parse Dockerfile: )?/gm, '')
    .replaceAll(/\x1b\[\d+m/g, '')
    .replaceAll(/(?:sha256:)?\b(?:ID|id)-\d+/g, 'ID')
    .trimEnd();

compareSides({ what: 'builds', ...{ theirs, ours, steps, differences, options }, isReading: () => false, told });
