/** The registry client against Debian's docker-registry, and what users see of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSign, createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { after, before, describe, test } from 'node:test';
import { createLog, digestOf } from '#base';
import {
  type AuthConfig,
  defaultRegistryConfig,
  openRegistryClient,
  parseReference,
  type RegistryConfig,
} from '#registry';
import type { Descriptor } from '#specs';
import { MemoryBlobs } from '../../src/registry/client/memory-blobs.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';
import { DebianRegistry } from '../support/registries.ts';

const skip = missing('docker-registry', 'htpasswd', 'openssl');
const platform = { os: 'linux', architecture: 'amd64' };
const ann = { username: 'ann', password: 'secret' };
const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

const clientWith = (config: Partial<RegistryConfig> = {}) =>
  openRegistryClient({ ...defaultRegistryConfig, certificateFolders: [], backoffMs: 5, ...config }, createLog('fatal'));

/** An image of one random layer of this size and one small one. */
function makeImage(blobs: MemoryBlobs, layerBytes: number): Descriptor {
  // Deterministic, and nothing gzip could shrink.
  const pieces: Buffer[] = [];
  for (let at = 0; at < layerBytes; at += 32) pieces.push(createHash('sha256').update(`${layerBytes} ${at}`).digest());
  const add = (bytes: Buffer, mediaType: string): Descriptor => ({
    mediaType,
    digest: blobs.add(bytes),
    size: bytes.length,
  });
  const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  const layers = [add(Buffer.concat(pieces), layerType), add(gzipSync('small'), layerType)];
  const config = add(
    Buffer.from(
      JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } }),
    ),
    'application/vnd.docker.container.image.v1+json',
  );
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  return { mediaType, digest: blobs.add(bytes), size: bytes.length };
}

async function roundTrip(config: Partial<RegistryConfig>, name: string, auth?: AuthConfig): Promise<void> {
  await using client = clientWith(config);
  const blobs = new MemoryBlobs();
  const root = makeImage(blobs, 300_000);
  const reference = parseReference(name);
  await client.push(reference, root, blobs, { auth });
  const target = new MemoryBlobs();
  const pulled = await client.pull(reference, target, { lease: target.lease, platform, auth });
  assert.equal(pulled.root.digest, root.digest);
  assert.deepEqual(target.digests().sort(), blobs.digests().sort());
}

describe('registry client and docker-registry', { skip }, () => {
  let registry: DebianRegistry;
  before(async () => (registry = await DebianRegistry.start()));
  after(() => registry[Symbol.asyncDispose]());

  test('an image goes there and comes back the same, whole and in pieces, mounted and removed', async () => {
    await roundTrip({}, `${registry.host}/a/plain:1`);
    await using client = clientWith();
    const { host } = registry;
    const blobs = new MemoryBlobs();
    const root = makeImage(blobs, 300_000);
    const kinds: string[] = [];
    await client.push(parseReference(`${host}/b/other:1`), root, blobs, {
      mountCandidates: () => ['nothing/here', 'a/plain'],
      onProgress: ({ kind }) => kinds.push(kind),
    });
    assert.deepEqual(kinds.filter((kind) => kind === 'mounted-from').length, 2);
    assert.deepEqual(await client.tags(parseReference(`${host}/b/other`)), ['1']);
    assert.deepEqual(await client.catalog(host), ['a/plain', 'b/other']);
    await client.deleteManifest(parseReference(`${host}/b/other@${root.digest}`));
    await assert.rejects(client.fetchManifest(parseReference(`${host}/b/other:1`)), { kind: 'not-found' });
  });

  test('an interrupted download goes on in a later pull, and a cut upload in pieces', async () => {
    const cutter = await startCutter(registry.host);
    try {
      await using client = clientWith({ uploadChunkBytes: 1_000_000, maxAttempts: 3 });
      const blobs = new MemoryBlobs();
      const root = makeImage(blobs, 4_000_000);
      const reference = parseReference(`${cutter.host}/cut:1`);
      const told: string[] = [];
      cutter.cutUploadsAfter(1_500_000, 1);
      await client.push(reference, root, blobs, { onProgress: ({ kind }) => told.push(kind) });
      assert.equal(told.filter((kind) => kind === 'retrying').length, 1);

      const target = new MemoryBlobs();
      cutter.cutDownloadsAfter(1_500_000);
      await using impatient = clientWith({ maxAttempts: 1 });
      await assert.rejects(impatient.pull(reference, target, { lease: target.lease, platform }), {
        kind: 'unavailable',
      });
      const { digest } = JSON.parse((await blobs.read(root.digest, 4096)).toString()).layers[0];
      const kept = target.partialBytes(digest);
      assert.ok(kept > 0 && kept < 4_000_000, `${kept} bytes`);
      cutter.cutDownloadsAfter(Infinity);
      const currents: number[] = [];
      await client.pull(reference, target, {
        lease: target.lease,
        platform,
        onProgress: (each) => each.kind === 'downloading' && each.digest === digest && currents.push(each.current),
      });
      assert.equal(currents[0], kept);
      assert.deepEqual(target.digests().sort(), blobs.digests().sort());
    } finally {
      await cutter.close();
    }
  });
});

test('TLS is trusted by certs.d, with our own certificate, and otherwise refused with what to do', {
  skip,
}, async () => {
  await using registry = await DebianRegistry.start({ tls: true, clientCertificates: true, user: ['ann', 'secret'] });
  // Loopback is insecure by itself, so the registry gets names, which the proxy leads to it.
  await using proxy = await startConnectProxy(registry.host);
  const folder = mkdtempSync('/tmp/skiff-certs-');
  try {
    const port = registry.host.split(':')[1]!;
    const [good, bad] = [`registry.test:${port}`, `other.test:${port}`];
    const proxies = { httpProxy: '', httpsProxy: `http://user:pw@${proxy.host}`, noProxy: '' };
    const check = async (name: string, message: RegExp): Promise<void> => {
      await using client = clientWith({ proxies, certificateFolders: [folder] });
      await assert.rejects(client.resolve(parseReference(`${name}/a:1`), { auth: ann }), { message });
    };
    const failed = 'tls: failed to verify certificate: x509: certificate';
    await check(
      good,
      new RegExp(`^Get "https://${good}/v2/": ${failed} signed by unknown authority .*certs.d/${good}/ca.crt`),
    );
    for (const name of [good, bad]) {
      mkdirSync(`${folder}/${name}`);
      copyFileSync(registry.caFile, `${folder}/${name}/ca.crt`);
    }
    await check(bad, new RegExp(`${failed} is not valid for other.test$`));
    await check(good, /certificate required|alert/);
    for (const name of [good, bad]) {
      copyFileSync(registry.client.certificate, `${folder}/${name}/client.cert`);
      copyFileSync(registry.client.key, `${folder}/${name}/client.key`);
    }
    await roundTrip({ proxies, certificateFolders: [folder] }, `${good}/a:1`, ann);
    await roundTrip({ proxies, certificateFolders: [folder], insecureRegistries: [bad] }, `${bad}/b:1`, ann);
    const expected = `Basic ${btoa('user:pw')}`;
    assert.ok(
      proxy.seen.every((line) => line.endsWith(` ${expected}`) && line.startsWith('CONNECT ')),
      String(proxy.seen[0]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('credentials for an encrypted registry do not go to a token server that is not', { skip }, async () => {
  const realm = 'http://127.0.0.1:1/token';
  const folder = mkdtempSync('/tmp/skiff-token-');
  try {
    makeTokenKey(folder);
    await using registry = await DebianRegistry.start({ tls: true, token: { realm, certificate: `${folder}/cert` } });
    await using proxy = await startConnectProxy(registry.host);
    const name = `registry.test:${registry.host.split(':')[1]}`;
    mkdirSync(`${folder}/${name}`);
    copyFileSync(registry.caFile, `${folder}/${name}/ca.crt`);
    const proxies = { httpProxy: '', httpsProxy: `http://${proxy.host}`, noProxy: '' };
    await using client = clientWith({ proxies, certificateFolders: [folder] });
    await assert.rejects(client.resolve(parseReference(`${name}/a:1`), { auth: ann }), {
      message: 'refused to send credentials to the token server http://127.0.0.1:1: it is not encrypted',
    });
    // Who has none has none to lose.
    await assert.rejects(client.resolve(parseReference(`${name}/a:1`)), { message: /connection refused/ });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('tokens of a token server are fetched, scoped and used', { skip }, async () => {
  const folder = mkdtempSync('/tmp/skiff-token-');
  makeTokenKey(folder);
  const server = await startTokenServer(folder);
  try {
    const realm = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/token`;
    await using registry = await DebianRegistry.start({ token: { realm, certificate: `${folder}/cert` } });
    await roundTrip({}, `${registry.host}/me/app:1`, ann);
    assert.deepEqual([...new Set(server.scopes)].sort(), ['repository:me/app:pull', 'repository:me/app:pull,push']);
    await using client = clientWith();
    await assert.rejects(
      client.resolve(parseReference(`${registry.host}/me/app:1`), { auth: { ...ann, password: 'x' } }),
      {
        message: /unauthorized: incorrect username or password/,
      },
    );
    const target = new MemoryBlobs();
    await assert.rejects(
      client.pull(parseReference(`${registry.host}/me/app:1`), target, { lease: target.lease, platform }),
      {
        message: `pull access denied for ${registry.host}/me/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
      },
    );
  } finally {
    await new Promise((resolve) => server.server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});

describe('what users see of registries', { skip: missing('root', 'docker-registry', 'htpasswd', 'openssl') }, () => {
  const daemon = useDaemon();
  let registry: DebianRegistry;
  let config: string;
  before(async () => {
    registry = await DebianRegistry.start({ user: ['ann', 'secret'] });
    config = mkdtempSync('/tmp/skiff-config-');
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(config, { recursive: true });
  });
  const skiff = (args: readonly string[], input = '') => {
    const env = { ...process.env, SKIFF_HOST: `unix://${daemon.socket}`, DOCKER_CONFIG: config };
    const { status, stdout, stderr } = spawnSync(SKIFF, args, { env, input, encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('login keeps what the registry takes, and logout forgets it', () => {
    const { host } = registry;
    const wrong = skiff(['login', '-u', 'ann', '-p', 'wrong', host]);
    assert.deepEqual(wrong, {
      status: 1,
      stdout: '',
      stderr: `WARNING! Using --password via the CLI is insecure. Use --password-stdin.\nError response from daemon: login attempt to http://${host}/v2/ failed with status: 401 Unauthorized\n`,
    });
    const warning = `\nWARNING! Your credentials are stored unencrypted in '${config}/config.json'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`;
    assert.deepEqual(skiff(['login', '-u', 'ann', '--password-stdin', `https://${host}/v2/`], 'secret\r\n'), {
      status: 0,
      stdout: 'Login Succeeded\n',
      stderr: warning,
    });
    const again = skiff(['login', host]);
    assert.equal(again.stdout, 'Login Succeeded\n');
    assert.match(again.stderr, /^Authenticating with existing credentials... \[Username: ann\]\n/);
    assert.deepEqual(skiff(['logout', host]).stdout, `Removing login credentials for ${host}\n`);
    assert.equal(readFileSync(`${config}/config.json`, 'utf8'), '{\n\t"auths": {}\n}');
    assert.deepEqual(skiff(['login', '-u', 'ann', host]), {
      status: 1,
      stdout: '',
      stderr: 'Error: Cannot perform an interactive login from a non TTY device\n',
    });
    assert.equal(
      skiff(['login', '--password-stdin', host]).stderr,
      'the --password-stdin option requires --username to be set\n',
    );
  });

  test('the API tells the platforms of a remote image, and the CLI its manifest', async () => {
    const { host } = registry;
    await using client = clientWith();
    const blobs = new MemoryBlobs();
    const root = makeImage(blobs, 1000);
    await client.push(parseReference(`${host}/a/img:1`), root, blobs, { auth: ann });
    assert.equal((await daemon.http.send('GET', `/distribution/${host}/a/img:1/json`)).status, 401);
    writeFileSync(`${config}/config.json`, JSON.stringify({ auths: { [host]: { auth: btoa('ann:secret') } } }));
    const shown = skiff(['manifest', 'inspect', `${host}/a/img:1`]);
    assert.equal(shown.stderr, '');
    assert.equal(digestOf(JSON.stringify(JSON.parse(shown.stdout))), root.digest);
    const [object] = [JSON.parse(skiff(['manifest', 'inspect', '-v', `${host}/a/img:1`]).stdout)];
    assert.deepEqual(object.Descriptor, { mediaType: root.mediaType, size: root.size, digest: root.digest, platform });
    assert.deepEqual(skiff(['manifest', 'inspect', `${host}/a/img:2`]), {
      status: 1,
      stdout: '',
      stderr: `no such manifest: ${host}/a/img:2\n`,
    });
    const open = await DebianRegistry.start();
    try {
      await client.push(parseReference(`${open.host}/a/img:1`), root, blobs);
      const answer = (await daemon.http.call('GET', `/distribution/${open.host}/a/img:1/json`)).json();
      const { mediaType, digest, size } = root;
      assert.deepEqual(answer, { Descriptor: { mediaType, digest, size }, Platforms: [platform] });
      const none = await daemon.http.send('GET', `/distribution/${open.host}/a/none/json`);
      assert.deepEqual([none.status, none.json()], [404, { message: 'manifest unknown: manifest unknown' }]);
      const search = await daemon.http.send('GET', `/images/search?term=${open.host}/x`);
      assert.deepEqual([search.status, search.json()], [500, { message: 'Unexpected status code 404' }]);
    } finally {
      await open[Symbol.asyncDispose]();
    }
  });
});

/** A proxy in front of a registry that cuts connections after so many bytes of a body. */
async function startCutter(upstream: string) {
  let downloads = Infinity;
  let uploads = { after: Infinity, times: 0 };
  const server = createServer((incoming, outgoing) => {
    const [host, port] = upstream.split(':');
    const headers = { ...incoming.headers, host: outgoing.req.headers.host };
    const forward = request({ host, port, method: incoming.method, path: incoming.url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      let passed = 0;
      answer.on('data', (piece: Buffer) => {
        passed += piece.length;
        if (passed > downloads) outgoing.destroy();
        else outgoing.write(piece);
      });
      answer.on('end', () => outgoing.end()).on('error', () => outgoing.destroy());
    });
    forward.on('error', () => outgoing.destroy());
    let sent = 0;
    incoming.on('data', (piece: Buffer) => {
      sent += piece.length;
      if (sent > uploads.after && uploads.times > 0) {
        uploads.times -= 1;
        incoming.destroy();
        forward.destroy();
      } else forward.write(piece);
    });
    incoming.on('end', () => forward.end()).on('error', () => forward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutDownloadsAfter: (bytes: number) => void (downloads = bytes),
    cutUploadsAfter: (bytes: number, times: number) => void (uploads = { after: bytes, times }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Takes CONNECT for whatever name and leads to one address. */
async function startConnectProxy(to: string) {
  const seen: string[] = [];
  const server = createServer();
  server.on('connect', (incoming, socket, head: Buffer) => {
    seen.push(`CONNECT ${incoming.url} ${incoming.headers['proxy-authorization']}`);
    const [host, port] = to.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      if (head.length > 0) onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    seen,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => closed(server),
  };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await Promise.race([
    new Promise((resolve) => server.close(resolve)),
    new Promise((resolve) => setTimeout(resolve, 500)),
  ]);
}

/** `key` and `cert` for signing tokens. */
function makeTokenKey(folder: string): void {
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'cert', '-days', '2'];
  assert.equal(spawnSync('openssl', [...make, '-subj', '/CN=t'], { cwd: folder }).status, 0);
}

/** Gives everybody with the password what they ask for, and others nothing, in tokens signed with the folder's key. */
async function startTokenServer(folder: string): Promise<{ server: Server; scopes: string[] }> {
  const scopes: string[] = [];
  const key = readFileSync(`${folder}/key`);
  const chain = new X509Certificate(readFileSync(`${folder}/cert`)).raw.toString('base64');
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const server = createServer((incoming, outgoing) => {
    const { searchParams } = new URL(incoming.url ?? '/', 'http://x');
    const { authorization } = incoming.headers;
    const isAnn = authorization === `Basic ${btoa('ann:secret')}`;
    if (authorization !== undefined && !isAnn) {
      outgoing.writeHead(401).end('{"details":"incorrect username or password"}');
      return;
    }
    const asked = searchParams.getAll('scope');
    if (isAnn) scopes.push(...asked);
    const access = asked.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: isAnn ? actions.split(',') : [] };
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'test',
      aud: 'test',
      sub: 'ann',
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: String(scopes.length),
      access,
    };
    const signed = `${part({ typ: 'JWT', alg: 'RS256', x5c: [chain] })}.${part(claims)}`;
    const token = `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`;
    outgoing.writeHead(200).end(JSON.stringify({ token, expires_in: 300 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, scopes };
}
