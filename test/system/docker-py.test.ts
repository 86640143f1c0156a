/** docker-py runs its own flows: containers, exec, archives, builds, images, volumes, events. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { runTool } from '../support/engines.ts';
import { dockerPy } from '../support/foreign-clients.ts';
import { missing } from '../support/needs.ts';

describe('docker-py', { skip: missing('root', 'busybox', 'python3', 'pip3'), timeout: 300_000 }, () => {
  const daemon = useDaemon();

  test('a day of its users', () => {
    const program = `${import.meta.dirname}/../clients/docker_py.py`;
    const variables = [`PYTHONPATH=${dockerPy()}`, `DOCKER_HOST=unix://${daemon.socket}`];
    const { status, stdout, stderr } = runTool(['env', ...variables, 'python3', program]);
    assert.equal(status, 0, `${stderr}\n${daemon.output}`);
    const { kinds, ...seen } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(seen, {
      ping: true,
      api: true,
      output: 'hello\n',
      failed: [3, 'bad\n'],
      missing: 404,
      status: 'running',
      exec: [0, 'b\n0\n'],
      demux: ['out\n', 'err\n'],
      socket: 'through a socket\n',
      put: true,
      got: [5, 'bytes'],
      diff: true,
      stats: 64 * 1024 * 1024,
      top: true,
      paused: 'paused',
      committed: 'committed\n',
      code: 5,
      logs: 'begun\n',
      timestamps: true,
      listed: ['py-renamed'],
      steps: 4,
      built: 'built for python\n',
      tagged: true,
      loaded: true,
      df: 2,
      volumes: 1,
      reclaimed: 1,
      pruned: true,
    });
    assert.deepEqual(kinds, ['container', 'image', 'volume']);
  });
});
