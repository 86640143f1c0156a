/** The registry and the clients people use: skopeo and podman push, copy, list, inspect, delete. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, pause } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { Registry } from '../support/registry.ts';
import { busyboxTar } from '../support/rootfs.ts';

const run = promisify(execFile);
const skopeo = async (...args: string[]): Promise<string> =>
  (await run('skopeo', ['--insecure-policy', ...args], { maxBuffer: 64 * 1024 * 1024 })).stdout;
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

suite('the registry', { skip: missing('root', 'skopeo', 'podman', 'busybox', 'openssl', 'htpasswd') }, () => {
  let folder = '';
  /** An image of busybox as skopeo's `dir:`. */
  let image = '';

  before(async () => {
    folder = mkdtempSync('/tmp/skiff-test-clients-');
    image = `${folder}/image`;
    await podman('import', busyboxTar(), 'localhost/busybox:1');
    await podman('push', '--compress', 'localhost/busybox:1', `dir:${image}`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const podman = async (...args: string[]): Promise<string> => {
    const storage = ['--root', `${folder}/storage`, '--runroot', `${folder}/run`, '--storage-driver', 'vfs'];
    return (await run('podman', [...storage, '--cgroup-manager=cgroupfs', ...args])).stdout;
  };

  /** What a `dir:` holds, by name; blobs by the digest they have. */
  const contents = (path: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(path)
        .filter((name) => name !== 'version')
        .map((name) => [name, digestOf(readFileSync(`${path}/${name}`))]),
    );

  test('skopeo and podman push, copy, list, inspect, pull and delete over HTTP', async () => {
    await using registry = new Registry();
    await registry.start();
    const at = (name: string): string => `docker://${registry.address}/${name}`;
    const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    await skopeo('copy', ...insecure, `dir:${image}`, at('a/busybox:1'));
    await skopeo('copy', ...insecure, '--preserve-digests', at('a/busybox:1'), at('b/c/busybox:2'));
    await skopeo('copy', ...insecure, '--preserve-digests', at('b/c/busybox:2'), `dir:${folder}/back`);
    assert.deepEqual(contents(`${folder}/back`), contents(image));
    for (const [name, digest] of Object.entries(contents(`${folder}/back`))) {
      if (name !== 'manifest.json') assert.equal(digest, `sha256:${name}`);
    }

    await skopeo('copy', ...insecure, '--format=v2s2', `dir:${image}`, at('a/busybox:docker'));
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', at('a/busybox:docker'));
    assert.match(raw, /vnd\.docker\.distribution\.manifest\.v2\+json/);
    assert.deepEqual(JSON.parse(await skopeo('list-tags', '--tls-verify=false', at('a/busybox'))), {
      Repository: `${registry.address}/a/busybox`,
      Tags: ['1', 'docker'],
    });
    const { Digest } = JSON.parse(await skopeo('inspect', '--tls-verify=false', at('a/busybox:1'))) as {
      Digest: string;
    };
    assert.equal(Digest, digestOf(readFileSync(`${image}/manifest.json`)));

    await podman('pull', '--tls-verify=false', `${registry.address}/b/c/busybox:2`);
    await podman('tag', `${registry.address}/b/c/busybox:2`, `${registry.address}/d:3`);
    await podman('push', '--tls-verify=false', `${registry.address}/d:3`);
    await podman('manifest', 'create', 'localhost/list');
    await podman('manifest', 'add', '--tls-verify=false', 'localhost/list', at('a/busybox:1'));
    await podman('manifest', 'push', '--all', '--tls-verify=false', 'localhost/list', at('list:1'));
    assert.match(
      await skopeo('inspect', '--raw', '--tls-verify=false', at('list:1')),
      /image\.index\.v1|manifest\.list/,
    );

    await skopeo('delete', '--tls-verify=false', at('a/busybox:1'));
    await assert.rejects(skopeo('inspect', '--tls-verify=false', at('a/busybox:1')), /manifest unknown|is not in/);
    await skopeo('inspect', '--tls-verify=false', at('b/c/busybox:2'));
  });

  test('over HTTPS, with passwords', async () => {
    const certificates = `${folder}/certificates`;
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('mkdir', ['-p', certificates]);
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${folder}/key.pem`,
        '-out',
        `${certificates}/ca.crt`,
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    const users = execFileSync('htpasswd', ['-nbB', 'ann', 'secret'], { encoding: 'utf8' });
    writeFileSync(`${folder}/users`, users);
    await using registry = new Registry();
    const tls = [`--tls-cert=${certificates}/ca.crt`, `--tls-key=${folder}/key.pem`];
    await registry.start(...tls, `--htpasswd=${folder}/users`);
    const target = `docker://${registry.address}/a/busybox:1`;
    const trust = `--dest-cert-dir=${certificates}`;
    await assert.rejects(skopeo('copy', trust, `dir:${image}`, target), /authentication required|unauthorized/i);
    await assert.rejects(
      skopeo('copy', trust, '--dest-creds=ann:wrong', `dir:${image}`, target),
      /authentication|unauthorized/i,
    );
    await assert.rejects(skopeo('copy', '--dest-creds=ann:secret', `dir:${image}`, target), /certificate/);
    await skopeo('copy', trust, '--dest-creds=ann:secret', `dir:${image}`, target);
    await podman('pull', '--cert-dir', certificates, '--creds', 'ann:secret', `${registry.address}/a/busybox:1`);
    registry.signal('SIGHUP');
    await skopeo('inspect', `--cert-dir=${certificates}`, '--creds=ann:secret', target);
  });

  test('a cache serves what it has when its upstream is gone', async () => {
    await using origin = new Registry();
    await origin.start();
    await skopeo('copy', '--dest-tls-verify=false', `dir:${image}`, `docker://${origin.address}/a/busybox:1`);
    await using cache = new Registry();
    await cache.startWith({ REGISTRY_PROXY_REMOTEURL: `http://${origin.address}` });
    const copy = (target: string): Promise<string> =>
      skopeo('copy', '--src-tls-verify=false', '--preserve-digests', `docker://${cache.address}/a/busybox:1`, target);
    await copy(`dir:${folder}/first`);
    assert.equal(await origin.end(), 0);
    await copy(`dir:${folder}/second`);
    assert.deepEqual(contents(`${folder}/second`), contents(image));
    await assert.rejects(
      skopeo('inspect', '--tls-verify=false', `docker://${cache.address}/a/other:1`),
      /502|upstream/,
    );
  });

  test('on a full disk it refuses with the reason, and goes on when there is room', async () => {
    await using registry = new Registry('12m');
    await registry.start();
    const base = `http://${registry.address}`;
    const [first, second] = [randomBytes(8_000_000), randomBytes(8_000_000)];
    const begin = async (): Promise<string> => {
      const { headers } = await fetch(`${base}/v2/a/blobs/uploads/`, { method: 'POST' });
      return `${base}${headers.get('location')}`;
    };
    const put = (location: string, whole: Uint8Array<ArrayBuffer>, from: number): Promise<Response> =>
      fetch(`${location}?digest=${digestOf(whole)}`, {
        method: 'PUT',
        body: whole.subarray(from),
        headers: { 'Content-Range': `${from}-${whole.length - 1}` },
      });
    assert.equal((await put(await begin(), first, 0)).status, 201);
    const location = await begin();
    const refused = await put(location, second, 0);
    assert.equal(refused.status, 507);
    assert.match(await refused.text(), /"UNAVAILABLE","message":"no space left to write .* free\): make room/);
    const held = async (): Promise<number> =>
      Number(/^0-(\d+)$/.exec((await fetch(location)).headers.get('range')!)?.[1]) + 1;
    const waiting = await held();
    assert.ok(waiting > 1_000_000 && waiting < 8_000_000, `${waiting} bytes wait`);
    assert.equal((await fetch(`${base}/v2/a/blobs/${digestOf(first)}`, { method: 'DELETE' })).status, 202);
    const goOn = async (): Promise<boolean> => {
      const { status, body } = await put(location, second, await held());
      await body?.cancel();
      return status === 201;
    };
    await eventually('there is room again', goOn, 15_000);
    const back = await fetch(`${base}/v2/a/blobs/${digestOf(second)}`);
    assert.equal(digestOf(Buffer.from(await back.arrayBuffer())), digestOf(second));
  });

  test('one registry per folder', async () => {
    await using registry = new Registry();
    await registry.start();
    const { code, output } = await registry.startInVain('--log-level=error');
    assert.equal(code, 1);
    assert.match(output, /in use by another/);
  });
});

suite('the life of a registry', () => {
  test('killed in the middle of uploads, it keeps what was acknowledged and nothing that is damaged', async () => {
    await using registry = new Registry();
    await registry.start();
    const acknowledged = new Map<string, string>();
    const large = randomBytes(3_000_000);
    const begun = await fetch(`http://${registry.address}/v2/big/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location')!, `http://${registry.address}`).href;
    await fetch(location, { method: 'PATCH', body: large.subarray(0, 2_000_000) });
    for (let round = 0; round < 4; round++) {
      const pushing = Promise.allSettled(
        [1, 2, 3].map((lane) => pushImages(registry.address, `r${round}l${lane}`, acknowledged)),
      );
      // However slow the machine is: some are whole, and the kill comes among others.
      await eventually('images are whole', () => acknowledged.size > 2 * round + 1, 30_000);
      await pause(Math.random() * 300);
      await registry.end('SIGKILL');
      await pushing;
      const check = await run(`${import.meta.dirname}/../../bin/skiff-registry`, [
        'check',
        '--deep',
        '--data-root',
        registry.dataRoot,
      ]);
      assert.match(check.stdout, /\d+ blobs, 0 problems\n$/, `round ${round}`);
      await registry.start();
    }
    assert.ok(acknowledged.size > 5, `it got as far as whole images: ${acknowledged.size}`);
    for (const [path, digest] of acknowledged) {
      const manifest = await fetch(`http://${registry.address}${path}`);
      const bytes = Buffer.from(await manifest.arrayBuffer());
      assert.equal(digestOf(bytes), digest, path);
      const { layers } = JSON.parse(bytes.toString()) as { layers: { digest: string }[] };
      const blob = await fetch(
        `http://${registry.address}${path.replace(/manifests\/.*/, `blobs/${layers[0]!.digest}`)}`,
      );
      assert.equal(digestOf(Buffer.from(await blob.arrayBuffer())), layers[0]!.digest);
    }
    const where = await fetch(location);
    assert.equal(where.headers.get('range'), '0-1999999', 'the upload waits where it was');
    const done = await fetch(`${location}?digest=${digestOf(large)}`, {
      method: 'PUT',
      body: large.subarray(2_000_000),
    });
    assert.equal(done.status, 201);
  });

  test('told to end, it lets requests under way come to their end', async () => {
    await using registry = new Registry();
    await registry.start();
    const bytes = randomBytes(20_000_000);
    const push = await fetch(`http://${registry.address}/v2/a/blobs/uploads/?digest=${digestOf(bytes)}`, {
      method: 'POST',
      body: bytes,
    });
    assert.equal(push.status, 201);
    const response = await fetch(`http://${registry.address}/v2/a/blobs/${digestOf(bytes)}`);
    const ended = registry.end();
    await pause(200);
    await assert.rejects(fetch(`http://${registry.address}/v2/`), 'no new ones are taken');
    assert.equal(digestOf(Buffer.from(await response.arrayBuffer())), digestOf(bytes));
    assert.equal(await ended, 0);
  });
});

/** Pushes images until the registry goes away; notes those whose push was acknowledged. */
async function pushImages(address: string, name: string, acknowledged: Map<string, string>): Promise<void> {
  const send = async (method: string, path: string, body: Uint8Array<ArrayBuffer>, type: string): Promise<void> => {
    const response = await fetch(`http://${address}${path}`, { method, body, headers: { 'Content-Type': type } });
    if (response.status !== 201) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  };
  for (let each = 0; ; each++) {
    const blobs = [Buffer.from(`{"n":"${name}-${each}"}`), randomBytes(400_000)];
    for (const blob of blobs) {
      await send('POST', `/v2/${name}/blobs/uploads/?digest=${digestOf(blob)}`, blob, 'application/octet-stream');
    }
    const [config, layer] = blobs.map((blob) => ({ digest: digestOf(blob), size: blob.length }));
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
        layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
      }),
    );
    await send('PUT', `/v2/${name}/manifests/t${each}`, manifest, type);
    acknowledged.set(`/v2/${name}/manifests/t${each}`, digestOf(manifest));
  }
}
