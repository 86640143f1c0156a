import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { createLog } from '#base';
import { parseReference } from '../reference.ts';
import { type AuthConfig, defaultRegistryConfig, type RegistryConfig } from './config.ts';
import { addImage, answer, FakeRegistry, refuse } from './fake-registry.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { openRegistryClient } from './open.ts';
import type { RegistryClient } from './registry-client.ts';

const log = createLog('fatal');
const ann = { username: 'ann', password: 'secret' };
const annBasic = `Basic ${Buffer.from('ann:secret').toString('base64')}`;

function client(config: Partial<RegistryConfig> = {}): RegistryClient {
  const quick = { backoffMs: 2, maxBackoffMs: 4, stallMs: 2000, maxRetryAfterMs: 100 };
  return openRegistryClient({ ...defaultRegistryConfig, certificateFolders: [], ...quick, ...config }, log);
}

/** A registry that takes the tokens in `valid`, and its token server, which logs how it was asked. */
async function tokenRegistry(): Promise<
  { registry: FakeRegistry; asked: string[]; valid: Set<string> } & AsyncDisposable
> {
  const registry = await FakeRegistry.start();
  const asked: string[] = [];
  const valid = new Set<string>();
  const give = (who: string): string => {
    const token = `${who}-${asked.length}`;
    valid.add(`Bearer ${token}`);
    return token;
  };
  registry.intercept(async ({ request, response, url }) => {
    if (url.pathname === '/token') {
      const form = new URLSearchParams((await buffer(request)).toString());
      const query = request.method === 'POST' ? form : url.searchParams;
      asked.push(`${request.method} ${query.getAll('scope').join(' ')}${query.has('offline_token') ? ' offline' : ''}`);
      assert.equal(query.get('service'), 'the service');
      const isAnn = request.headers.authorization === annBasic || query.get('refresh_token') === 'identity';
      if (request.headers.authorization && !isAnn) {
        answer(response, 401, {}, '{"details":"incorrect username or password"}');
      } else {
        const token = give(isAnn ? 'ann' : 'nobody');
        const refresh = query.has('offline_token') ? { refresh_token: 'identity' } : {};
        const key = request.method === 'POST' ? 'access_token' : 'token';
        answer(response, 200, {}, JSON.stringify({ [key]: token, expires_in: 300, ...refresh }));
      }
      return true;
    }
    if (valid.has(request.headers.authorization ?? '')) return false;
    const scope = url.pathname === '/v2/' ? '' : ',scope="repository:img:pull"';
    const challenge = `Bearer realm="http://${registry.host}/token",service="the service"${scope}`;
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': challenge });
    return true;
  });
  return { registry, asked, valid, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

const pull = async (by: RegistryClient, name: string, auth?: AuthConfig): Promise<void> => {
  const blobs = new MemoryBlobs();
  const platform = { os: 'linux', architecture: 'amd64' };
  await by.pull(parseReference(name), blobs, { lease: blobs.lease, platform, auth });
};

test('one token does for a whole pull, and for the next; each user has their own', async () => {
  await using server = await tokenRegistry();
  await using puller = client();
  const { registry, asked } = server;
  addImage(registry, 'img', '1', [Buffer.from('one'), Buffer.from('two')]);
  await pull(puller, `${registry.host}/img:1`);
  await pull(puller, `${registry.host}/img:1`);
  assert.deepEqual(asked, ['GET repository:img:pull']);
  await pull(puller, `${registry.host}/img:1`, ann);
  await pull(puller, `${registry.host}/img:1`, { identityToken: 'identity' });
  assert.deepEqual(asked.slice(1), ['GET repository:img:pull', 'POST repository:img:pull']);
  assert.equal(registry.requests.filter((each) => each === 'GET /v2/').length, 1, 'pinged once');
});

test('a token that ends early is replaced by one more request, also in the middle of a push', async () => {
  await using server = await tokenRegistry();
  await using pusher = client();
  const { registry, asked, valid } = server;
  addImage(registry, 'img', '1', [Buffer.from('one')]);
  await pull(pusher, `${registry.host}/img:1`);
  valid.clear();
  await pull(pusher, `${registry.host}/img:1`);
  assert.equal(asked.length, 2);
  const blobs = new MemoryBlobs();
  const bytes = Buffer.from(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}',
  );
  const config = blobs.add(Buffer.from('{}'));
  const root = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: blobs.add(bytes),
    size: bytes.length,
  };
  let hasEnded = false;
  registry.intercept(({ request }) => {
    if (request.method !== 'PUT' || hasEnded) return false;
    hasEnded = true;
    valid.clear();
    return false;
  });
  await pusher.push(parseReference(`${registry.host}/img:2`), root, blobs, { auth: ann });
  assert.deepEqual(registry.blobs.get(config)?.toString(), '{}');
  assert.equal(hasEnded, true);
});

test('Basic: the password is sent when it is asked for, and its lack told', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  addImage(registry, 'img', '1', []);
  registry.intercept(({ request, response }) => {
    if (request.headers.authorization === annBasic) return false;
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' });
    return true;
  });
  await pull(puller, `${registry.host}/img:1`, ann);
  await assert.rejects(pull(puller, `${registry.host}/img:1`), {
    message: `Head "http://${registry.host}/v2/img/manifests/1": no basic auth credentials`,
    kind: 'unauthorized',
  });
  await assert.rejects(pull(puller, `${registry.host}/img:1`, { ...ann, password: 'wrong' }), {
    message: 'unauthorized: authentication required',
  });
});

test('a registry that asks only where it has something to protect gets the password there', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client();
  addImage(registry, 'img', '1', [Buffer.from('one')]);
  registry.intercept(({ request, response, url }) => {
    if (url.pathname === '/v2/' || request.headers.authorization === annBasic) return false;
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' });
    return true;
  });
  await pull(puller, `${registry.host}/img:1`, ann);
  for (const auth of [undefined, { identityToken: 'i' }, { ...ann, password: 'wrong' }]) {
    await assert.rejects(pull(puller, `${registry.host}/img:1`, auth), {
      message: 'unauthorized: authentication required',
    });
  }
});

test('login() says whether the registry takes the credentials, in the words of Docker', async () => {
  await using server = await tokenRegistry();
  await using plain = await FakeRegistry.start();
  await using basic = await FakeRegistry.start();
  basic.intercept(({ request, response }) => {
    if (request.headers.authorization === annBasic) return false;
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' });
    return true;
  });
  await using by = client();
  const { registry } = server;
  const token = registry.host;
  const ok = { status: 'Login Succeeded', identityToken: '' };
  assert.deepEqual(await by.login({ ...ann, serverAddress: plain.host }), ok);
  assert.deepEqual(await by.login({ ...ann, serverAddress: `https://${basic.host}/v2/` }), ok);
  assert.deepEqual(await by.login({ ...ann, serverAddress: token }), { ...ok, identityToken: 'identity' });
  assert.equal((await by.login({ identityToken: 'identity', serverAddress: token })).status, 'Login Succeeded');
  await assert.rejects(by.login({ ...ann, password: 'x', serverAddress: basic.host }), {
    message: `login attempt to http://${basic.host}/v2/ failed with status: 401 Unauthorized`,
    kind: 'unauthorized',
  });
  await assert.rejects(by.login({ ...ann, password: 'x', serverAddress: token }), {
    message: `Get "http://${token}/v2/": unauthorized: incorrect username or password`,
  });
  await assert.rejects(by.login({ serverAddress: basic.host }), {
    message: `Get "http://${basic.host}/v2/": no basic auth credentials`,
  });
});

test('credentials do not follow a redirect to another host, nor a registry to a token server without TLS', async () => {
  await using storage = await FakeRegistry.start();
  await using registry = await FakeRegistry.start();
  await using puller = client();
  const image = addImage(registry, 'img', '1', [Buffer.from('one')]);
  addImage(storage, 'img', '1', [Buffer.from('one')]);
  const seen: (string | undefined)[] = [];
  storage.intercept(({ request }) => {
    seen.push(request.headers.authorization);
    return false;
  });
  registry.intercept(({ request, response, url }) => {
    if (request.headers.authorization !== annBasic) {
      refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="x"' });
    } else if (url.pathname.endsWith(image.layers[0]!)) {
      answer(response, 307, { Location: `http://${storage.host}${url.pathname}` }, '');
    } else return false;
    return true;
  });
  await pull(puller, `${registry.host}/img:1`, ann);
  assert.deepEqual(seen, [undefined]);
  registry.intercept(({ response, url }) => {
    if (!url.pathname.includes('/blobs/')) return false;
    answer(response, 307, { Location: url.pathname }, '');
    return true;
  });
  await assert.rejects(pull(puller, `${registry.host}/img:1`, ann), { code: 'registry.tooManyRedirects' });
});

test('a token server that gives nonsense is named', async () => {
  await using registry = await FakeRegistry.start();
  const check = async (body: string, message: RegExp, challenge = `Bearer realm="http://${registry.host}/token"`) => {
    await using another = client({ maxAttempts: 1 });
    registry.intercept(({ response, url }) => {
      if (url.pathname === '/token') answer(response, 200, {}, body);
      else answer(response, 401, { 'WWW-Authenticate': challenge }, '');
      return true;
    });
    await assert.rejects(pull(another, `${registry.host}/img:1`), { message });
  };
  await check('{}', /did not include a token/);
  await check('<html>', /no usable token/);
  await check('{"token":"a\\r\\nX-Evil: 1"}', /no header may have/);
  await check('{"token":"t"}', /unauthorized: authentication required/);
  await check('', /is no URL/, 'Bearer realm="http://["');
  await check('', /asks for authentication by negotiate/, 'Negotiate');
});

test('a registry that asks to be waited for is waited for, unless it is too long', async () => {
  await using registry = await FakeRegistry.start();
  await using puller = client({ maxRetryAfterMs: 1500 });
  addImage(registry, 'img', '1', []);
  let left = 1;
  registry.intercept(({ response, url }) => {
    if (!url.pathname.includes('/manifests/') || left === 0) return false;
    left -= 1;
    refuse(response, 503, 'UNAVAILABLE', 'later', { 'Retry-After': '0' });
    return true;
  });
  await pull(puller, `${registry.host}/img:1`);
  registry.intercept(({ response, url }) => {
    if (!url.pathname.includes('/manifests/')) return false;
    refuse(response, 429, 'TOOMANYREQUESTS', 'slow down', { 'Retry-After': '7200' });
    return true;
  });
  await assert.rejects(pull(puller, `${registry.host}/img:1`), {
    message: 'toomanyrequests: slow down (try again in 2h)',
  });
});

test('a host that none can be is refused like anything else', async () => {
  await using by = client();
  const refused = { code: 'registry.badUrl' };
  await assert.rejects(pull(by, '1.2.3.999/img'), refused);
  await assert.rejects(by.login({ ...ann, serverAddress: 'reg.test:99999' }), refused);
  await assert.rejects(by.catalog('1.2.3.999'), refused);
  await assert.rejects(by.deleteManifest(parseReference('1.2.3.999/img:1')), refused);
  await assert.rejects(by.search('1.2.3.999/img', 1), refused);
});

test('search() asks the old API and reads what it says', async () => {
  await using registry = await FakeRegistry.start();
  await using by = client();
  registry.intercept(({ response, url }) => {
    if (url.pathname !== '/v1/search') return false;
    assert.deepEqual([url.searchParams.get('q'), url.searchParams.get('n')], ['foo bar', '25']);
    const results = [{ name: 'foo', description: 'd', star_count: 3, is_official: true }, {}];
    answer(response, 200, {}, JSON.stringify({ num_results: 2, results }));
    return true;
  });
  const found = await by.search(`${registry.host}/foo bar`, 0);
  assert.deepEqual(found, [
    { name: 'foo', description: 'd', starCount: 3, isOfficial: true, isAutomated: false },
    { name: '', description: '', starCount: 0, isOfficial: false, isAutomated: false },
  ]);
  await assert.rejects(by.search('x', 101), { message: 'Limit 101 is outside the range of [1, 100]' });
  registry.intercept(({ response }) => {
    answer(response, 404, {}, '');
    return true;
  });
  await assert.rejects(by.search(`${registry.host}/x`, 1), { message: 'Unexpected status code 404' });
});

test('HTTP goes through a proxy that is set, with its own credentials', async () => {
  await using proxy = await FakeRegistry.start();
  addImage(proxy, 'img', '1', []);
  const proxies = { httpProxy: `http://user:pass@${proxy.host}`, httpsProxy: 'http://127.0.0.1:1', noProxy: '' };
  await using by = client({ proxies, insecureRegistries: ['registry.test:5000'] });
  const seen: string[] = [];
  proxy.intercept(({ request }) => {
    seen.push(`${request.url} ${request.headers['proxy-authorization']}`);
    return false;
  });
  await pull(by, 'registry.test:5000/img:1');
  assert.equal(seen[0], `http://registry.test:5000/v2/ Basic ${Buffer.from('user:pass').toString('base64')}`);
});
