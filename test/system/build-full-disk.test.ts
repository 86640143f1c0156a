/** Outputs and caches of builds onto a disk that is full: what is said names the file, and nothing half-made stays. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildxClient } from '../support/buildx.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

suite('builds onto a full disk', { skip: missing('root', 'busybox', 'go', 'docker'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  let client: BuildxClient;

  before(() => {
    client = new BuildxClient(mkdtempSync('/tmp/skiff-test-full-'), daemon.socket);
    client.write({ 'ctx/Dockerfile': 'FROM scratch\nCOPY a large /d/\n', 'ctx/a': 'a\n' });
    // Nothing compresses it below the size of the disk.
    execFileSync('sh', ['-c', 'head -c 3145728 /dev/urandom > ctx/large'], { cwd: client.folder });
    mkdirSync(`${client.folder}/disk`);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', `${client.folder}/disk`]);
  });
  after(() => {
    execFileSync('umount', [`${client.folder}/disk`]);
    rmSync(client.folder, { recursive: true, force: true });
  });

  const left = (): string[] => readdirSync(`${client.folder}/disk`, { recursive: true, encoding: 'utf8' }).sort();

  const cases: readonly (readonly [what: string, args: readonly string[], named: RegExp, stays: RegExp])[] = [
    ['a folder', ['-o', 'type=local,dest=disk/out'], /disk\/out\/d\/large: ENOSPC/, /^out(?:\/d(?:\/a)?)?$/],
    ['a tar', ['-o', 'type=tar,dest=disk/out.tar'], /disk\/out\.tar: no space left on device/, /^$/],
    ['an archive', ['-o', 'type=oci,dest=disk/out.tar'], /disk\/out\.tar: no space left on device/, /^$/],
    [
      'a layout',
      ['-o', 'type=oci,tar=false,dest=disk/out'],
      /disk\/out\/ingest\/[^:]+: ENOSPC/,
      /^out(?:\/ingest|\/blobs.*)?$/,
    ],
    [
      'a cache',
      ['--cache-to', 'type=local,dest=disk/out'],
      /disk\/out\/ingest\/[^:]+: ENOSPC/,
      /^out(?:\/ingest|\/blobs.*)?$/,
    ],
  ];
  for (const [what, args, named, stays] of cases) {
    test(what, async () => {
      rmSync(`${client.folder}/disk/out`, { recursive: true, force: true });
      const { status, stderr } = await client.start(SKIFF, ['build', ...args, 'ctx']).ended;
      assert.notEqual(status, 0);
      assert.match(stderr, named);
      for (const path of left()) assert.match(path, stays);
      assert.deepEqual(daemon.buildRests(), []);
    });
  }

  test("the client's own buildx is told as well, and the daemon goes on", async () => {
    const args = ['build', '--progress', 'plain', '--cache-to', 'type=local,dest=disk/out', 'ctx'];
    const { status, stderr } = await client.docker(args);
    assert.notEqual(status, 0);
    assert.match(stderr, /no space left on device/);
    assert.equal((await client.docker(['build', '-q', 'ctx'])).status, 0);
  });
});
