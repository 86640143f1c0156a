/** `POST /build?version=2`: BuildKit's builds for clients without its gRPC, told in traces; and the docker command that builds so. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { control } from '../../src/specs/buildkit/index.ts';
import { archive, file } from '../support/archives.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

/** Debian's, which builds by this request where there is no buildx. */
const OLD_DOCKER = '/usr/bin/docker';
const isOld = existsSync(OLD_DOCKER) && / 20\.10\./.test(execFileSync(OLD_DOCKER, ['--version'], { encoding: 'utf8' }));

interface Told {
  readonly vertices: Map<string, { readonly cached: boolean; readonly error: string; readonly isDone: boolean }>;
  readonly logs: string;
  /** All but traces. */
  readonly lines: readonly Record<string, unknown>[];
}

describe('builds told in traces', { skip: missing('root', 'busybox') }, () => {
  const daemon = useDaemon();

  const build = async (query: string, dockerfile: string): Promise<Told> => {
    const tar = archive(file('Dockerfile', dockerfile), file('f', 'content\n'));
    const { status, text } = await daemon.http.send('POST', `/build?version=2&${query}`, Readable.from([tar]));
    assert.equal(status, 200, text);
    const all = text
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const told: Told & { logs: string } = {
      vertices: new Map(),
      logs: '',
      lines: all.filter(({ id }) => id !== TRACE),
    };
    for (const { id, aux } of all) {
      if (id !== TRACE) continue;
      const { vertexes, logs } = fromBinary(control.StatusResponseSchema, Buffer.from(String(aux), 'base64'));
      for (const { name, cached, error, completed } of vertexes) {
        told.vertices.set(name, { cached, error, isDone: completed !== undefined });
      }
      for (const { msg } of logs) told.logs += Buffer.from(msg).toString();
    }
    return told;
  };

  test('steps, logs, the image and its names; and again from the cache', async () => {
    const dockerfile = 'FROM busybox\nCOPY f /f\nRUN cat /f\n';
    const { vertices, logs, lines } = await build('t=traced:1&t=traced:2', dockerfile);
    assert.deepEqual(vertices.get('[3/3] RUN cat /f'), { cached: false, error: '', isDone: true });
    assert.ok(vertices.has('[internal] load build definition from Dockerfile'));
    assert.match(logs, /content\n/);
    const { ID: id } = lines[0]!['aux'] as { ID: string };
    assert.deepEqual(lines, [
      { id: 'moby.image.id', aux: { ID: id } },
      { stream: 'Successfully tagged traced:1\n' },
      { stream: 'Successfully tagged traced:2\n' },
    ]);
    assert.equal((await daemon.http.call('GET', '/images/traced:2/json')).json()['Id'], id);
    const again = await build('', dockerfile);
    assert.ok(again.vertices.get('[3/3] RUN cat /f')?.cached);
    assert.deepEqual(again.lines, [{ id: 'moby.image.id', aux: { ID: id } }]);
    assert.deepEqual((await build('q=1', dockerfile)).lines, [{ stream: `${id}\n` }]);
  });

  test('what fails is a line, and the step that did is told', async () => {
    for (const query of ['', 'q=1']) {
      const { vertices, logs, lines } = await build(query, 'FROM busybox\nRUN echo before; exit 3\n');
      const message = 'process "/bin/sh -c echo before; exit 3" did not complete successfully: exit code: 3';
      assert.equal(lines.at(-1)!['error'], message);
      assert.equal(vertices.get('[2/2] RUN echo before; exit 3')?.error, message);
      assert.match(logs, /before/);
    }
    const { lines } = await build('', 'FROM busybox\nFOO\n');
    assert.match(String(lines.at(-1)!['error']), /unknown instruction: FOO/);
  });

  test('a build is ended by its id', async () => {
    const building = build('buildid=mine', 'FROM busybox\nRUN sleep 60\n');
    await pause(500);
    assert.equal((await daemon.http.send('POST', '/build/cancel?id=mine')).status, 200);
    assert.equal((await building).lines.at(-1)!['error'], 'context canceled');
    assert.equal((await daemon.http.send('POST', '/build/cancel?id=mine')).status, 200);
    const nameless = await daemon.http.send('POST', '/build/cancel');
    assert.deepEqual([nameless.status, nameless.json()['message']], [500, 'build ID not provided']);
    assert.equal((await daemon.http.send('POST', '/build?version=3')).status, 400);
  });

  test('docker 20.10 builds so: a folder over its session, secrets, a tar from standard input', {
    skip: isOld ? false : `${OLD_DOCKER} is not of 20.10`,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skiff-traces-'));
    try {
      writeFileSync(join(folder, 'f'), 'from the folder\n');
      writeFileSync(join(folder, 'secret'), 'hidden\n');
      writeFileSync(join(folder, '.dockerignore'), 'secret\n');
      writeFileSync(
        join(folder, 'Dockerfile'),
        'FROM busybox\nCOPY . /c\nRUN ls /c > /list\nRUN --mount=type=secret,id=s wc -c /run/secrets/s\n',
      );
      const env = {
        ...process.env,
        DOCKER_HOST: `unix://${daemon.socket}`,
        DOCKER_BUILDKIT: '1',
        DOCKER_CONFIG: folder,
      };
      const run = promisify(execFile);
      const secret = `id=s,src=${join(folder, 'secret')}`;
      const args = ['build', '--progress', 'plain', '-t', 'old', '--secret', secret, folder];
      const { stderr } = await run(OLD_DOCKER, args, { env });
      assert.match(stderr, /transferring context/);
      assert.match(stderr, /7 \/run\/secrets\/s/);
      const shown = await run(OLD_DOCKER, ['run', '--rm', '--network', 'none', 'old', 'cat', '/list', '/c/f'], { env });
      assert.equal(shown.stdout, 'Dockerfile\nf\nfrom the folder\n');
      writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nCOPY f /g\n');
      const piped = run(OLD_DOCKER, ['build', '--progress', 'plain', '-t', 'piped', '-'], { env });
      piped.child.stdin!.end(execFileSync('tar', ['-C', folder, '-c', 'Dockerfile', 'f']));
      await piped;
      const cat = await run(OLD_DOCKER, ['run', '--rm', '--network', 'none', 'piped', 'cat', '/g'], { env });
      assert.equal(cat.stdout, 'from the folder\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

const TRACE = 'moby.buildkit.trace';
