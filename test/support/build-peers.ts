/**
 * Two builders behind one buildx: a real BuildKit and our daemon, with a context, a registry of bases, a web server and a
 * repository they both see.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { Buildkitd } from './buildkitd.ts';
import { BuildxClient } from './buildx.ts';
import { Daemon } from './daemon.ts';
import { GitServer } from './git-server.ts';
import { DebianRegistry } from './registries.ts';
import { busyboxTar } from './rootfs.ts';

export type PeerName = 'theirs' | 'ours';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const FILE = 'of the server\n';
/** 2020-02-02. */
const OLD_SECONDS = 1_580_609_000;

/** What the images of the registry say, as changes of `docker import`. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  base: ['CMD ["sh"]'],
  rich: [
    'ENV PATH=/opt/bin:/bin FROM_BASE=1',
    'ENTRYPOINT ["base-entry"]',
    'CMD ["base-cmd"]',
    'USER tester',
    'WORKDIR /home',
    'EXPOSE 80',
    'VOLUME /base-volume',
    'LABEL l=1 base=yes',
    'HEALTHCHECK CMD base-check',
    'STOPSIGNAL SIGUSR1',
  ],
  triggers: ['ONBUILD RUN echo triggered > /triggered', 'ONBUILD COPY a.txt /by-trigger', 'ONBUILD ENV T=$HOME'],
};

export class BuildPeers implements AsyncDisposable {
  readonly folder = mkdtempSync('/tmp/skiff-test-peers-');
  readonly daemon = new Daemon();
  readonly buildkitd = new Buildkitd(this.folder);
  readonly git = new GitServer();
  readonly #undo = new AsyncDisposableStack();
  readonly #web = createServer((request, response) => this.#serve(request, response));
  readonly #context: Readonly<Record<string, string>>;
  #client!: BuildxClient;
  #registry!: DebianRegistry;
  #commit = '';

  /** `context`: files with mode and content; a folder ends with a slash, a link has `->`, an archive what packs it. */
  constructor(context: Readonly<Record<string, string>>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    this.#undo.defer(() => rmSync(this.folder, { recursive: true, force: true }));
    this.#registry = this.#undo.use(await DebianRegistry.start());
    this.#undo.use(this.git);
    await this.git.start();
    this.#commit = this.git.create('app', { 'file.txt': 'one\n', 'sub/run.sh': '#!/bin/sh\n', 'sub/more': 'm\n' });
    this.git.git('app', 'tag', '-a', '-m', 'a tag', 'v1');
    this.git.commit('app', { 'file.txt': 'two\n' });
    await new Promise<void>((resolve) => void this.#web.listen(0, '127.0.0.1', resolve));
    this.#undo.defer(() => void this.#web.close());
    this.#undo.use(this.daemon);
    await this.daemon.start();
    this.#undo.use(this.buildkitd);
    await this.buildkitd.start();
    this.#client = new BuildxClient(this.folder, this.daemon.socket);
    this.#writeContext();
    for (const [name, changes] of Object.entries(BASES)) {
      const image = this.image(name);
      await this.docker(['import', ...changes.flatMap((change) => ['-c', change]), busyboxTar(), image]);
      await this.docker(['push', '-q', image]);
    }
    await this.docker(['buildx', 'create', '--name', 'theirs', '--driver', 'remote', this.buildkitd.address]);
  }

  /** Its name in the registry. */
  image(name: string): string {
    return `${this.#registry.host}/${name}:latest`;
  }

  get registry(): string {
    return this.#registry.host;
  }

  /** Fails when it does. */
  async docker(args: readonly string[]): Promise<Outcome> {
    const result = await this.#client.docker(args);
    assert.equal(result.status, 0, `docker ${args.join(' ')}: ${result.stderr}`);
    return result;
  }

  /** Builds with the Dockerfile from stdin, unless `args` name one; in it HTTP, GIT, COMMIT and CHECKSUM are replaced. */
  async build(peer: PeerName, dockerfile: string, args: readonly string[]): Promise<Outcome> {
    const url = `http://127.0.0.1:${(this.#web.address() as AddressInfo).port}`;
    const text = dockerfile
      .replaceAll(/\bHTTP(?=\/)/g, url)
      .replaceAll(/\bGIT\b/g, this.git.url('app'))
      .replaceAll('COMMIT', this.#commit)
      .replaceAll('CHECKSUM', createHash('sha256').update(FILE).digest('hex'));
    const file = `${peer}-${createHash('sha256').update(text).update(args.join('\0')).digest('hex').slice(0, 12)}`;
    const isOwn = args.includes('-f');
    if (isOwn) this.#client.write({ 'ctx/Own': text });
    else this.#client.write({ [`files/${file}/Dockerfile`]: text });
    const bases = Object.keys(BASES).flatMap((name) => [
      '--build-context',
      `${name}=docker-image://${this.image(name)}`,
    ]);
    const at = isOwn ? [] : ['-f', `files/${file}/Dockerfile`];
    const builder = peer === 'theirs' ? ['--builder', 'theirs'] : [];
    return this.#client.docker(['buildx', 'build', ...builder, '--progress=plain', ...at, ...bases, ...args, 'ctx']);
  }

  /** Without addresses and folders that differ. */
  neutral(text: string): string {
    return text
      .replaceAll(this.folder, 'FOLDER')
      .replaceAll(/files\/(?:theirs|ours)-[0-9a-f]{12}\//g, '')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
      .replaceAll(/\b[0-9a-z]{25}(?:::[0-9a-z]{25})?\b/g, 'REF');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }

  #writeContext(): void {
    this.#client.write({ secret: 's3cret\n', 'ctx/Own.dockerignore': 'd\n*.tar*\n' });
    const at = (path: string): string => `${this.folder}/ctx/${path}`;
    const folders: [string, number][] = [];
    for (const [path, entry] of Object.entries(this.#context)) {
      const [mode = '', content = ''] = entry.split(/ ([^]*)/);
      mkdirSync(dirname(at(path)), { recursive: true });
      if (mode === '->') symlinkSync(content, at(path));
      else if (path.endsWith('/')) {
        mkdirSync(at(path), { recursive: true });
        folders.push([path, Number.parseInt(mode, 8)]);
      } else if (mode === 'tar') {
        const source = `${this.folder}/packed`;
        this.#client.write({ 'packed/in/file': 'packed\n', 'packed/top': 'top\n' });
        execFileSync('touch', ['-hd', '@1500000000', `${source}/in/file`, `${source}/top`, `${source}/in`]);
        execFileSync('tar', [`${content}f`, at(path), '--owner=3', '--group=4', '-C', source, 'in', 'top']);
      } else {
        writeFileSync(at(path), content);
        chmodSync(at(path), Number.parseInt(mode, 8));
      }
    }
    for (const [path, mode] of folders) chmodSync(at(path), mode);
    execFileSync('find', [at(''), '-exec', 'touch', '-hd', `@${OLD_SECONDS}`, '{}', '+']);
    utimesSync(at(''), OLD_SECONDS, OLD_SECONDS);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/';
    if (path === '/dated') response.setHeader('Last-Modified', 'Thu, 02 Jan 2020 03:04:05 GMT');
    if (path === '/gone') response.writeHead(404).end();
    else if (path === '/plain.tar') response.end(readFileSync(`${this.folder}/ctx/plain.tar`));
    else response.end(FILE);
  }
}
