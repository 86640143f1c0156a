/** Repositories behind HTTP, for a test: git's own server program behind one of ours, which may want a password. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';

export class GitServer implements AsyncDisposable {
  readonly #folder = mkdtempSync('/tmp/skiff-test-git-');
  readonly #server: Server;
  /** What has to be in the Authorization header; empty: nothing. */
  authorization = '';
  /** Requests so far: `GET /a.git/info/refs`. */
  readonly asked: string[] = [];

  constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  url(name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}.git`;
  }

  /** Where the repository can be worked on. */
  folder(name: string): string {
    return `${this.#folder}/${name}.git`;
  }

  /** A repository with one commit of these files, on `main`. */
  create(name: string, files: Readonly<Record<string, string>>): string {
    mkdirSync(this.folder(name));
    this.git(name, 'init', '-q', '-b', 'main');
    return this.commit(name, files);
  }

  /** Gives the commit's id. */
  commit(name: string, files: Readonly<Record<string, string>>): string {
    for (const [path, text] of Object.entries(files)) {
      const full = `${this.folder(name)}/${path}`;
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, text, { mode: text.startsWith('#!') ? 0o775 : 0o664 });
    }
    this.git(name, 'add', '-A');
    this.git(name, 'commit', '-q', '--allow-empty', '-m', 'a commit');
    return this.git(name, 'rev-parse', 'HEAD').trim();
  }

  git(name: string, ...args: readonly string[]): string {
    const identity = ['NAME', 'EMAIL'].flatMap((key) => [
      [`GIT_AUTHOR_${key}`, 'test@localhost'],
      [`GIT_COMMITTER_${key}`, 'test@localhost'],
    ]);
    const dates = { GIT_AUTHOR_DATE: '1700000000 +0000', GIT_COMMITTER_DATE: '1700000000 +0000' };
    const { status, stdout, stderr } = spawnSync('git', ['-c', 'protocol.file.allow=always', ...args], {
      cwd: this.folder(name),
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: this.#folder, ...Object.fromEntries(identity), ...dates },
    });
    assert.equal(status, 0, `git ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** spec: RFC 3875, as much of CGI as git http-backend speaks. */
  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://localhost');
    this.asked.push(`${request.method} ${url.pathname}`);
    if (this.authorization !== '' && request.headers.authorization !== this.authorization) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end();
      return;
    }
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: this.#folder,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    });
    request.pipe(child.stdin);
    child.stdin.on('error', () => {});
    let head = Buffer.alloc(0);
    child.stdout.on('data', (bytes: Buffer) => {
      if (response.headersSent) return void response.write(bytes);
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = head.toString('latin1', 0, end).split('\r\n');
      const headers = lines.map((line) => line.split(': ') as [string, string]);
      const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
      response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
      response.write(head.subarray(end + 4));
    });
    child.stdout.once('end', () => response.end());
  }
}
