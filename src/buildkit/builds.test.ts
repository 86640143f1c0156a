import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildResult } from '#build';
import { emptyImageConfig } from '#images';
import type { Platform } from '#specs';
import { BuildsUnderWay, type CarryOut, type FrontendWish } from './builds.ts';
import type { Outcome } from './evaluation.ts';

const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
const ARM64: Platform = { os: 'linux', architecture: 'arm64' };
const outcome: Outcome = { answer: {}, origins: new Map(), isList: false };

const result = (platform: Platform): BuildResult => ({
  ...{ platform, config: emptyImageConfig, author: '', history: [] },
  snapshot: { kind: 'snapshot', identity: platform.architecture, layers: [] },
});

const wish = (inputs: Readonly<Record<string, string>> = {}): FrontendWish => ({
  ...{ frontend: 'dockerfile.v0', attributes: {}, inputs: new Map(Object.entries(inputs)) },
});

/** Carries out with these results, and tells what it does. */
function world(results: readonly BuildResult[], failure?: Error) {
  const told: string[] = [];
  const carryOut: CarryOut = async (_build, _wish, { signal, onResults }) => {
    told.push('steps');
    if (failure) throw failure;
    signal.addEventListener('abort', () => told.push('abandoned'));
    await onResults(results);
    told.push('exports');
    return outcome;
  };
  return { told, carryOut };
}

test('a result is made when somebody asks for it, once, and exported when it is returned', async () => {
  const builds = new BuildsUnderWay();
  const { told, carryOut } = world([result(AMD64)]);
  await using begun = builds.begin('a', 'session', carryOut);
  const id = begun.build.wish(wish());
  assert.deepEqual(told, []);
  const asked = wish({ 'base::linux/amd64': id, base: id });
  assert.equal((await builds.resultFor(asked, 'base', ARM64)).snapshot.identity, 'amd64', 'one is taken for any');
  await begun.build.evaluate(id).results;
  assert.deepEqual(told, ['steps']);
  assert.equal(await begun.build.evaluate(id).export(), outcome);
  assert.deepEqual(told, ['steps', 'exports']);
});

test('of several platforms the wanted one is taken, and a missing one refused', async () => {
  const builds = new BuildsUnderWay();
  await using begun = builds.begin('a', 'session', world([result(AMD64), result(ARM64)]).carryOut);
  const asked = wish({ base: begun.build.wish(wish()) });
  assert.equal((await builds.resultFor(asked, 'base', ARM64)).snapshot.identity, 'arm64');
  const riscv = { os: 'linux', architecture: 'riscv64' };
  await assert.rejects(builds.resultFor(asked, 'base', riscv), { code: 'buildkit.noInputPlatform' });
  await assert.rejects(builds.resultFor(asked, 'other', AMD64), { code: 'buildkit.noInput' });
});

test('what a build fails with is told to those that begin with it; what nobody returns is abandoned', async () => {
  const builds = new BuildsUnderWay();
  const failing = builds.begin('a', 'session', world([], new Error('no good')).carryOut);
  const asked = wish({ base: failing.build.wish(wish()) });
  await assert.rejects(builds.resultFor(asked, 'base', AMD64), /no good/);
  await failing[Symbol.asyncDispose]();
  await assert.rejects(builds.resultFor(asked, 'base', AMD64), { code: 'buildkit.resultGone' });
  const { told, carryOut } = world([result(AMD64)]);
  const left = builds.begin('b', 'session', carryOut);
  await left.build.evaluate(left.build.wish(wish())).results;
  await left[Symbol.asyncDispose]();
  assert.deepEqual(told, ['steps', 'abandoned']);
});
