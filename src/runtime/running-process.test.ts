import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test, type TestContext } from 'node:test';
import type { Launcher } from '#linux';
import { RunningProcess } from './running-process.ts';

/** Held, and its shim listens no more. */
function held(context: TestContext): RunningProcess {
  const folder = mkdtempSync(`${tmpdir()}/skiff-process-`);
  context.after(() => rmSync(folder, { recursive: true }));
  return new RunningProcess({ pid: 4711, startTime: 1n }, folder, {} as Launcher);
}

test('a held process that was ended by a signal is let go of as if it had run', async (context) => {
  const process = held(context);
  const released = process.release();
  process.event({ type: 'exit', waitStatus: 9, timeNs: 5n, oomKills: 0 });
  await released;
  assert.deepEqual(await process.exited, { code: 137, timeNs: 5n, oomKills: 0 });
});

test('one whose shim was killed could not be let go', async (context) => {
  const process = held(context);
  const released = process.release();
  process.event({ type: 'shim-lost', pid: 4712, waitStatus: 9 });
  await assert.rejects(released, { code: 'shim.lost' });
  assert.equal((await process.exited).code, 137);
});
