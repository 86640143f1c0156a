/** A foreign runtime that hangs is an error that names it, and nothing of it is left. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { createLog } from '#base';
import { helperPath, openCgroup, processesBelow, readCgroupHost, readHostFacts, startLauncher } from '#linux';
import { ContainerRuntime, type LaunchRequest, SeccompCache } from '#runtime';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

/** Nobody else's on this machine. */
const SECONDS = String(1000 + process.pid);
/** Two processes of its own, one of them in another session as a container's first process is, and neither ever ends. */
const HANGS = `#!/bin/sh\nsetsid sleep ${SECONDS} &\nsleep ${SECONDS}\n`;
const PATIENCE_MS = 300;

describe('a foreign runtime that hangs', { skip: missing('root', 'setsid'), timeout: 30_000 }, () => {
  const folder = mkdtempSync('/tmp/skiff-patience-');
  const script = `${folder}/slowrun`;
  writeFileSync(script, HANGS);
  chmodSync(script, 0o755);
  after(() => rmSync(folder, { recursive: true }));

  const stage = async () => {
    const launcher = await startLauncher();
    const runtime = new ContainerRuntime({
      launcher,
      facts: readHostFacts(),
      cgroupHost: readCgroupHost(),
      seccomp: new SeccompCache(),
      helperProgram: helperPath(),
      log: createLog('error', () => {}),
      foreignPatienceMs: PATIENCE_MS,
    });
    return { launcher, runtime, maker: runtime.foreign({ name: 'slow', path: script, args: [] }) };
  };
  const directory = (name: string): string => {
    mkdirSync(`${folder}/${name}`);
    return `${folder}/${name}`;
  };
  const sleepers = () => processesBelow(1).filter(({ pid }) => commandOf(pid).startsWith(`sleep\0${SECONDS}`));
  const noneLeft = () => eventually('no process of it is left', () => sleepers().length === 0);

  test('create and delete', async () => {
    const { launcher, runtime, maker } = await stage();
    await using _ = launcher;
    const cgroupsPath = `/skiff-patience-${process.pid}/c`;
    const runDirectory = directory('create');
    const request: LaunchRequest = {
      ...{ id: 'c', runDirectory, seccomp: { kind: 'unconfined' }, home: '/', stdin: false, hold: false },
      ...{ makeCwd: { uid: 0, gid: 0 }, stdinOnce: false, isInit: false, linger: false },
      config: {
        ociVersion: '1.0.2',
        process: { args: ['true'], cwd: '/', env: [], user: { uid: 0, gid: 0 } },
        root: { path: directory('root') },
        linux: { cgroupsPath, namespaces: [{ type: 'mount' }, { type: 'pid' }] },
      },
    };
    await assert.rejects(maker.launch(request), /OCI runtime create failed: slow create took longer than 0.3 s/);
    await noneLeft();
    await maker.forget('c', runDirectory);
    await noneLeft();
    await runtime.removeCgroup(cgroupsPath);
    runtime.removeEmptyCgroup(`/skiff-patience-${process.pid}`);
    assert.equal(openCgroup(cgroupsPath).pids(true).length, 0);
    assert.ok(!readdirSync(runDirectory).includes('shim.sock'), 'its shim has ended');
  });

  for (const hold of [false, true]) {
    test(`exec, ${hold ? 'once it is let go' : 'at once'}`, async () => {
      const { launcher, maker } = await stage();
      await using _ = launcher;
      const runDirectory = directory(`exec-${hold}`);
      const begun = maker.exec({
        ...{
          id: 'c',
          execId: 'e',
          runDirectory,
          containerDirectory: directory(`of-${hold}`),
          home: '/',
          stdin: false,
          hold,
        },
        seccomp: { kind: 'unconfined' },
        process: { args: ['true'], cwd: '/', env: [], user: { uid: 0, gid: 0 } },
        target: { pid: process.pid, startTime: 0n, namespaces: [] },
        cgroupsPath: '/c',
      });
      const expected = /^SkiffError: slow exec took longer than 0.3 s: unknown/;
      if (hold) {
        const held = await begun;
        // Held for longer than the runtime may take: nothing of it runs yet.
        await new Promise((done) => setTimeout(done, 2 * PATIENCE_MS));
        await assert.rejects(held.release(), expected);
      } else await assert.rejects(begun, expected);
      await noneLeft();
    });
  }
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
