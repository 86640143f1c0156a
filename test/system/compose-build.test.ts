/** `docker compose build` with the real Compose, which has buildx bake what its file says. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildxClient } from '../support/buildx.ts';
import { installCompose, withoutCompose } from '../support/compose.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const skip = missing('root', 'busybox', 'go', 'docker') || withoutCompose();

suite('docker compose build', { skip, timeout: 900_000 }, () => {
  const daemon = useDaemon();
  let client: BuildxClient;

  before(() => {
    client = new BuildxClient(mkdtempSync('/tmp/skiff-test-compose-'), daemon.socket);
    symlinkSync(installCompose(), `${client.folder}/config/cli-plugins/docker-compose`);
    client.write({
      'compose.yaml': `
name: made
services:
  base:
    build:
      context: base
      args: { WHO: compose }
  app:
    image: made/app:1
    build:
      context: app
      dockerfile: Dockerfile.app
      target: run
      labels: { com.example.a: b }
      secrets: [token]
      additional_contexts:
        base: service:base
        more: ./more
      cache_from: [made/app:1]
      extra_hosts: ["somewhere=10.1.2.3"]
      shm_size: 32mb
      ulimits: { nofile: { soft: 1000, hard: 2000 } }
      tags: [made/app:other]
  inline:
    build:
      context: more
      dockerfile_inline: |
        FROM busybox
        COPY file /
      no_cache: true
      network: none
      platforms: [linux/amd64]
secrets:
  token:
    file: ./token
`,
      token: 'top secret\n',
      'base/Dockerfile': 'FROM busybox\nARG WHO\nRUN echo "base of $WHO" > /base\nENV FROM_BASE=yes\n',
      'app/Dockerfile.app':
        'FROM base AS run\nCOPY --from=more file /more\nCOPY own /\n' +
        'RUN --mount=type=secret,id=token cp /run/secrets/token /token-was && wc -c < /token-was > /size && rm /token-was\n' +
        'RUN grep somewhere /etc/hosts && df -k /dev/shm | grep 32768 && ulimit -n > /limit\nFROM run\nRUN false\n',
      'app/own': 'own\n',
      'more/file': 'more\n',
    });
  });
  after(() => rmSync(client.folder, { recursive: true, force: true }));

  async function docker(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await client.docker(args);
    assert.equal(status, 0, stderr);
    return `${stdout}${stderr}`;
  }

  test('services are built, one from the result of another, with what the file says', async () => {
    await docker('compose', '--progress', 'plain', 'build');
    const files = ['/base', '/more', '/own', '/size', '/limit'];
    const shown = await docker('run', '--rm', 'made/app:other', 'cat', ...files);
    assert.equal(shown, 'base of compose\nmore\nown\n11\n1000\n');
    const inspected = await docker(
      'image',
      'inspect',
      '-f',
      '{{json .Config.Labels}} {{json .Config.Env}}',
      'made/app:1',
    );
    assert.match(inspected, /"com\.example\.a":"b"[^]*"FROM_BASE=yes"/);
    assert.equal(await docker('run', '--rm', 'made-inline', 'cat', '/file'), 'more\n');
    assert.deepEqual(daemon.buildRests(), []);
  });

  test('again nothing is run; another argument reaches its service, and a failure names it', async () => {
    const again = await docker('compose', '--progress', 'plain', 'build', 'app');
    assert.doesNotMatch(again, /\] RUN [^\n]*\n#\d+ [\d.]+/);
    await docker('compose', 'build', '--quiet', '--build-arg', 'WHO=other', 'base');
    assert.equal(await docker('run', '--rm', 'made-base', 'cat', '/base'), 'base of other\n');
    client.write({ 'base/Dockerfile': 'FROM busybox\nRUN echo no good && exit 3\n' });
    const failed = await client.docker(['compose', '--progress', 'plain', 'build']);
    assert.notEqual(failed.status, 0);
    assert.match(`${failed.stdout}${failed.stderr}`, /no good[^]*exit code: 3/);
    assert.deepEqual(daemon.buildRests(), []);
  });

  const others = [
    ['by itself', { COMPOSE_BAKE: 'false' }],
    ['with the classic builder', { COMPOSE_BAKE: 'false', DOCKER_BUILDKIT: '0' }],
  ] as const;
  for (const [how, environment] of others) {
    test(`an older Compose builds ${how}`, async () => {
      const file = `{"services":{"one":{"image":"older","build":{"context":"app","args":{"HOW":"${how}"}}}}}`;
      client.write({
        'older.json': file,
        'app/Dockerfile': 'FROM busybox\nARG HOW\nCOPY own /\nRUN echo "$HOW" > /how\n',
      });
      const args = ['compose', '-f', 'older.json', '--progress', 'plain', 'build'];
      const { status, stdout, stderr } = await client.start('docker', args, '', environment).ended;
      assert.equal(status, 0, `${stdout}${stderr}`);
      assert.equal(await docker('run', '--rm', 'older', 'cat', '/own', '/how'), `own\n${how}\n`);
    });
  }
});
