/** Registries for tests: Debian's docker-registry on a free port of loopback, with TLS or passwords as wished. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { get } from 'node:http';
import { get as getTls } from 'node:https';
import { eventually } from './eventually.ts';
import { programPath } from './needs.ts';

export interface RegistryOptions {
  /** User and password, checked with htpasswd. */
  readonly user?: readonly [string, string];
  /** A certificate of a CA of its own: `caFile`. */
  readonly tls?: boolean;
  /** Takes only clients with a certificate of that CA: `clientFile` with its key. */
  readonly clientCertificates?: boolean;
  /** A token server's URL, with the certificate its tokens are signed with. */
  readonly token?: { readonly realm: string; readonly certificate: string };
}

export class DebianRegistry implements AsyncDisposable {
  readonly host: string;
  readonly folder: string;
  readonly #process: ChildProcess;

  private constructor(host: string, folder: string, process: ChildProcess) {
    this.host = host;
    this.folder = folder;
    this.#process = process;
  }

  static async start(options: RegistryOptions = {}): Promise<DebianRegistry> {
    const folder = mkdtempSync('/tmp/skiff-registry-');
    const host = `127.0.0.1:${await freePort()}`;
    const config: Record<string, unknown> = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: `${folder}/data` }, delete: { enabled: true } },
    };
    const http: Record<string, unknown> = { addr: host, secret: 'test' };
    if (options.tls) {
      makeCertificates(folder);
      const clients = options.clientCertificates ? { clientcas: [`${folder}/ca.pem`] } : {};
      http['tls'] = { certificate: `${folder}/server.pem`, key: `${folder}/server.key`, ...clients };
    }
    if (options.user) {
      const line = execFileSync(programPath('htpasswd') ?? 'htpasswd', ['-Bbn', ...options.user], { stdio: 'pipe' });
      writeFileSync(`${folder}/htpasswd`, line);
      config['auth'] = { htpasswd: { realm: 'test', path: `${folder}/htpasswd` } };
    }
    if (options.token) {
      const { realm, certificate } = options.token;
      config['auth'] = { token: { realm, service: 'test', issuer: 'test', rootcertbundle: certificate } };
    }
    // YAML takes JSON as it is.
    writeFileSync(`${folder}/config.yml`, JSON.stringify({ ...config, http }));
    const process = spawn('docker-registry', ['serve', `${folder}/config.yml`], { stdio: 'ignore' });
    const registry = new DebianRegistry(host, folder, process);
    await eventually('the registry answers', () => answers(host, options, folder), 10_000);
    return registry;
  }

  /** The CA of its certificate. */
  get caFile(): string {
    return `${this.folder}/ca.pem`;
  }

  /** A certificate clients can show, and its key. */
  get client(): { readonly certificate: string; readonly key: string } {
    return { certificate: `${this.folder}/client.pem`, key: `${this.folder}/client.key` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.kill('SIGKILL');
    if (this.#process.exitCode === null && this.#process.signalCode === null) await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `ca.pem`; `server` for 127.0.0.1 and registry.test, and `client`, each `.pem` with `.key`. */
export function makeCertificates(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Skiff test CA');
  writeFileSync(`${folder}/ext`, 'subjectAltName=IP:127.0.0.1,DNS:registry.test\n');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
  for (const who of ['server', 'client']) {
    openssl('req', ...key, '-keyout', `${who}.key`, '-out', `${who}.csr`, '-subj', `/CN=${who}`);
    openssl('x509', '-req', '-in', `${who}.csr`, ...sign, '-out', `${who}.pem`);
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function answers(host: string, { tls = false, clientCertificates }: RegistryOptions, folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const url = `${tls ? 'https' : 'http'}://${host}/v2/`;
    const own = clientCertificates
      ? { cert: readFileSync(`${folder}/client.pem`), key: readFileSync(`${folder}/client.key`) }
      : {};
    const request = tls ? getTls(url, { rejectUnauthorized: false, agent: false, ...own }) : get(url, { agent: false });
    request.once('response', (response) => {
      response.resume();
      resolve(true);
    });
    request.once('error', () => resolve(false));
  });
}
