/** Testcontainers for Node runs its own flows: databases, wait strategies, exec, copy, networks, logs, builds. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { runTool, toolOutput } from '../support/engines.ts';
import { testcontainers } from '../support/foreign-clients.ts';
import { missing } from '../support/needs.ts';
import { PrivateNetwork } from '../support/network.ts';
import { debianSource, servicesTar } from '../support/rootfs.ts';

const needs =
  missing('root', 'debootstrap', 'apt-config', 'npm') ||
  (debianSource() ? false : 'needs a mirror of Debian in apt’s sources');

describe('testcontainers', { skip: needs, timeout: 600_000 }, () => {
  const network = new PrivateNetwork();
  const daemon = new Daemon(network.enter);
  let folder = '';
  before(async () => {
    folder = testcontainers();
    const archive = servicesTar();
    await network.ready();
    await daemon.start('--bridge=skiff0');
    await daemon.import(archive, 'services');
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await network[Symbol.asyncDispose]();
  });

  test('a day of its users', () => {
    const program = `${folder}/day.mjs`;
    copyFileSync(`${import.meta.dirname}/../clients/testcontainers.mjs`, program);
    const variables = [
      `DOCKER_HOST=unix://${daemon.socket}`,
      // It would be an image from Docker Hub that removes what is left behind.
      'TESTCONTAINERS_RYUK_DISABLED=true',
    ];
    const { status, stdout, stderr } = runTool([...network.enter, 'env', ...variables, process.execPath, program]);
    assert.equal(status, 0, `${stderr}\n${daemon.output}`);
    const { archive, ...seen } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
    assert.deepEqual(seen, {
      seeded: 0,
      sum: '83',
      failed: 1,
      label: 'test',
      consumed: true,
      port: true,
      page: 'hello from a file\n',
      deep: 'deep\n',
      byAlias: 'hello from a file\n',
      afterRestart: 'hello from a file\n',
      address: true,
      pong: '+PONG\r\n',
      inside: 'hello from a file\n1024\n2048\n/var/lib/redis\n10.11.12.13     elsewhere\n',
      oneShot: 'done\n',
      built: 'somebody\nhello from a file\n',
    });
    assert.match(String(archive), /^index\.html\0/);
    assert.equal(toolOutput(['docker', '-H', `unix://${daemon.socket}`, 'ps', '-aq']), '');
  });
});
