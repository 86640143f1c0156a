/**
 * Builds that are cut off at any moment: clients that end by Ctrl-C or by SIGKILL, and daemons that are killed. Nothing of
 * them stays, and the next build is right.
 *
 * SKIFF_TEST_BUILD_KILLS says how many moments; SKIFF_TEST_BUILDX names a buildx program, which is one of the clients then;
 * SKIFF_TEST_BUILD_CLIENTS=buildx, or several with commas between, takes only these clients.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { mountsOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;
const count = Number(process.env['SKIFF_TEST_BUILD_KILLS'] ?? 3);
const buildx = process.env['SKIFF_TEST_BUILDX'] ?? '';

const work = (name: string): string =>
  `RUN --mount=type=cache,target=/cache for i in 1 2 3 4 5 6; do echo "$SALT ${name} $i" >> /${name}; cp /${name} /cache/${name}; sleep 0.05; done`;
const DOCKERFILE = `FROM busybox AS base
ARG SALT
RUN echo "$SALT" > /salt
FROM base AS a
ARG SALT
${work('a')}
FROM base AS b
ARG SALT
${work('b')}
FROM base AS c
COPY . /files
RUN find /files -type f | sort | xargs cat > /c
FROM base
COPY --from=a /a /
COPY --from=b /b /
COPY --from=c /c /
RUN cat /a /b /c > /all
`;

describe('builds that are cut off', { skip: missing('root', 'busybox', 'docker'), timeout: 3_000_000 }, () => {
  const daemon = useDaemon();
  let folder = '';
  before(() => {
    folder = mkdtempSync('/tmp/skiff-test-kill-');
    mkdirSync(`${folder}/ctx/many`, { recursive: true });
    mkdirSync(`${folder}/config/cli-plugins`, { recursive: true });
    writeFileSync(`${folder}/ctx/Dockerfile`, DOCKERFILE);
    for (let file = 0; file < 100; file++) writeFileSync(`${folder}/ctx/many/${file}`, `${file}\n`.repeat(1000));
    if (buildx === '') return;
    copyFileSync(buildx, `${folder}/config/cli-plugins/docker-buildx`);
    chmodSync(`${folder}/config/cli-plugins/docker-buildx`, 0o755);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const environment = (buildKit: string) => ({
    ...process.env,
    HOME: folder,
    DOCKER_CONFIG: `${folder}/config`,
    DOCKER_BUILDKIT: buildKit,
  });

  function client(kind: 'classic' | 'buildx' | 'skiff', salt: string) {
    const args = ['-H', `unix://${daemon.socket}`, 'build', '--build-arg', `SALT=${salt}`, 'ctx'];
    const options = {
      cwd: folder,
      env: environment(kind === 'buildx' ? '1' : '0'),
      stdio: 'ignore',
      detached: true,
    } as const;
    const child = spawn(kind === 'skiff' ? SKIFF : 'docker', args, options);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    // With the plugin, which is a process of its own.
    const kill = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-child.pid!, signal);
      } catch {
        // It has ended meanwhile.
      }
    };
    return { kill, ended };
  }

  function check(salt: string): void {
    const build = ['build', '-q', '--build-arg', `SALT=${salt}`, 'ctx'];
    const options = { cwd: folder, env: environment('0'), encoding: 'utf8', timeout: 60_000 } as const;
    const { status, stdout, stderr } = spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, ...build], options);
    assert.equal(status, 0, `${stderr}; the daemon said:\n${daemon.output.slice(-3000)}`);
    const look = ['run', '--rm', '--network=none', stdout.trim(), 'sh', '-c', 'cat /a /b; wc -c < /c; cmp /all /all'];
    const seen = spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, ...look], options);
    const lines = ['a', 'b'].flatMap((name) => [1, 2, 3, 4, 5, 6].map((i) => `${salt} ${name} ${i}\n`));
    assert.equal(seen.stdout, `${lines.join('')}${290_000 + DOCKERFILE.length}\n`, seen.stderr);
  }

  test(`at ${count} moments`, async (context) => {
    const wanted = process.env['SKIFF_TEST_BUILD_CLIENTS']?.split(',');
    const all = ['classic', 'skiff', ...(buildx === '' ? [] : ['buildx'])];
    const kinds = all.filter((kind) => wanted?.includes(kind) !== false);
    for (let turn = 0; turn < count; turn++) {
      const kind = kinds[turn % kinds.length]! as 'classic' | 'skiff' | 'buildx';
      const how = (['SIGINT', 'SIGKILL', 'daemon'] as const)[Math.floor(turn / kinds.length) % 3]!;
      const salt = `${turn}-${Math.random()}`;
      const waitMs = Math.random() * 1100;
      const what = `${kind} ${how} after ${Math.round(waitMs)} ms`;
      const { kill, ended } = client(kind, salt);
      await sleep(waitMs);
      if (how === 'daemon') {
        await daemon.end('SIGKILL');
        kill('SIGKILL');
        await ended;
        await daemon.start();
      } else {
        kill(how);
        await ended;
      }
      await eventually(`nothing is left: ${what}`, () => daemon.buildRests().length === 0, 10_000).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}: ${daemon.buildRests().join(', ')}`);
        },
      );
      assert.deepEqual(mountsOf(daemon.traces), [], what);
      check(salt);
      if (turn % 10 === 9) context.diagnostic(`${turn + 1} moments`);
    }
    const fsck = spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, 'system', 'fsck'], { encoding: 'utf8' });
    assert.equal(fsck.status, 0, `${fsck.stdout}${fsck.stderr}`);
    // Folders of cache mounts and their records are as many.
    const du = spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, 'builder', 'du', '--format', '{{.Type}}'], {
      encoding: 'utf8',
    });
    const mounts = du.stdout.split('\n').filter((type) => type === 'exec.cachemount').length;
    assert.equal(globSync(`${daemon.dataRoot}/build/mounts/*`).length, mounts, du.stderr);
  });
});
