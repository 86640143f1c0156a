/** ADD of URLs: credentials of the host they come from, and downloads that are only made when something has changed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

describe('downloads of builds', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  const server = createServer(serve);
  let folder = '';
  let url = '';
  /** `GET /path`, in order. */
  let asked: string[] = [];
  let content = 'first\n';
  let authorization: string | undefined;

  before(async () => {
    folder = mkdtempSync('/tmp/skiff-test-downloads-');
    mkdirSync(`${folder}/ctx`);
    for (const [name, text] of Object.entries({ token: 'abc\n', header: 'Basic eDp5', wrong: 'no' })) {
      writeFileSync(`${folder}/${name}`, text);
    }
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    asked = [];
    authorization = undefined;
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers } = request;
    const path = request.url ?? '';
    asked.push(`${method} ${path}`);
    if (authorization !== undefined && headers.authorization !== authorization) {
      return void response.writeHead(401).end();
    }
    if (path === '/moved') return void response.writeHead(302, { Location: `${otherHost()}/file` }).end();
    if (path === '/get-only' && method === 'HEAD') return void response.writeHead(405).end();
    const etag = `W/"${createHash('sha256').update(content).digest('hex').slice(0, 8)}"`;
    if (path !== '/nameless') response.setHeader('ETag', etag);
    if (headers['if-none-match'] === etag && path !== '/get-only') return void response.writeHead(304).end();
    response.end(method === 'HEAD' ? '' : content);
  }

  const otherHost = (): string => url.replace('127.0.0.1', 'localhost');

  async function build(source: string, ...args: string[]): Promise<string> {
    writeFileSync(`${folder}/ctx/Dockerfile`, `FROM busybox\nADD ${source} /f\nRUN cat /f\n`);
    const child = spawn(SKIFF, ['-H', `unix://${daemon.socket}`, 'build', ...args, 'ctx'], { cwd: folder });
    const pieces: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece));
    await new Promise((resolve) => child.once('close', resolve));
    return Buffer.concat(pieces).toString();
  }

  test('what has not changed is asked about and not downloaded, also by the next daemon', async () => {
    assert.match(await build(`${url}/file`), /\nfirst\n/);
    assert.deepEqual(asked.splice(0), ['GET /file']);
    await daemon.end();
    await daemon.start();
    assert.match(await build(`${url}/file`), /RUN cat \/f\n ---> Using cache/);
    assert.deepEqual(asked.splice(0), ['HEAD /file']);
    content = 'second\n';
    assert.match(await build(`${url}/file`), /\nsecond\n/);
    assert.deepEqual(asked.splice(0), ['HEAD /file', 'GET /file']);
    content = 'first\n';
    assert.match(await build(`${url}/file`), /RUN cat \/f\n ---> Using cache/, 'found by content');
    assert.deepEqual(asked.splice(0), ['HEAD /file', 'GET /file']);
    await build(`${url}/file`);
    assert.deepEqual(asked.splice(0), ['HEAD /file']);
    await build(`${url}/file`, '--no-cache');
    assert.deepEqual(asked.splice(0), ['GET /file']);
  });

  test('a server that answers HEAD otherwise, or gives no name, is asked for the file', async () => {
    for (const path of ['/get-only', '/nameless']) {
      await build(url + path);
      assert.match(await build(url + path), /RUN cat \/f\n ---> Using cache/);
      assert.equal(asked.filter((each) => each === `GET ${path}`).length, 2, path);
    }
  });

  test('a checksum is enough to find it', async () => {
    const checksum = `--checksum=sha256:${createHash('sha256').update(content).digest('hex')}`;
    assert.match(await build(`${checksum} ${url}/pinned`), /\nfirst\n|Using cache/);
    assert.deepEqual(asked.splice(0), ['GET /pinned']);
    assert.match(await build(`${checksum} ${url}/pinned`), /RUN cat \/f\n ---> Using cache/);
    assert.deepEqual(asked.splice(0), []);
    const wrong = await build(`--checksum=sha256:${'1'.repeat(64)} ${url}/pinned`);
    assert.match(wrong, /pinned: digest mismatch sha256:[0-9a-f]{64}: sha256:1{64}/);
    assert.deepEqual(daemon.buildRests(), []);
  });

  test('secrets of the host are its credentials, and no other host sees them', async () => {
    authorization = 'Bearer abc';
    assert.match(await build(`${url}/closed`), /cannot download [^ ]*\/closed: invalid response status 401/);
    const token = ['--secret', 'id=HTTP_AUTH_TOKEN_127.0.0.1,src=token'];
    assert.match(await build(`${url}/closed`, ...token), /\nfirst\n|Using cache/);
    const wrongHeader = ['--secret', 'id=HTTP_AUTH_HEADER_127.0.0.1,src=wrong'];
    assert.match(await build(`${url}/both`, ...wrongHeader, ...token), /Successfully built/);
    assert.match(await build(`${url}/moved`, ...token), /cannot download [^ ]*\/moved: invalid response status 401/);
    authorization = 'Basic eDp5';
    assert.match(
      await build(`${url}/header`, '--secret', 'id=HTTP_AUTH_HEADER_127.0.0.1,src=header'),
      /Successfully built/,
    );
  });
});
