import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { type Digest, digestOf, SkiffError } from '#base';
import { checkContent } from '#images';
import { openUpstream, type Upstream } from '#registry';
import { codeOf, TestRegistry } from './server-fixture.ts';

/** An upstream whose requests are listed, and that can be made to fail. */
function watched(upstream: Upstream): Upstream & { readonly asked: string[]; isDown: boolean } {
  const asked: string[] = [];
  const state = { isDown: false };
  const down = (): void => {
    if (state.isDown) throw new SkiffError('unavailable', 'distribution.upstreamFailed', 'down');
  };
  return Object.assign(state, {
    asked,
    url: upstream.url,
    resolve: (name: string, tag: string, signal: AbortSignal) => {
      asked.push(`resolve ${tag}`);
      down();
      return upstream.resolve(name, tag, signal);
    },
    manifest: (name: string, reference: string, signal: AbortSignal) => {
      asked.push(`manifest ${reference}`);
      down();
      return upstream.manifest(name, reference, signal);
    },
    blob: (name: string, digest: Digest, start: number, signal: AbortSignal) => {
      asked.push(`blob ${start}`);
      down();
      return upstream.blob(name, digest, start, signal);
    },
  });
}

async function cached(): Promise<{ origin: TestRegistry; cache: TestRegistry; upstream: ReturnType<typeof watched> }> {
  const origin = await TestRegistry.start();
  const upstream = watched(openUpstream({ url: origin.base, username: '', password: '' }));
  return { origin, upstream, cache: await TestRegistry.start({ upstream, ttlMs: 3_600_000 }) };
}

test('a cache gives what upstream has, and asks for it once', async () => {
  const { origin, cache, upstream } = await cached();
  await using _ = origin;
  await using __ = cache;
  const digest = await origin.pushImage('a', 'latest', ['layer']);
  for (const turn of [1, 2]) {
    const manifest = await cache.call('GET', '/v2/a/manifests/latest');
    assert.deepEqual([manifest.status, digestOf(manifest.bytes)], [200, digest], `turn ${turn}`);
    const blob = await cache.call('GET', `/v2/a/blobs/${digestOf('layer')}`);
    assert.equal(blob.bytes.toString(), 'layer');
  }
  assert.equal((await cache.call('GET', `/v2/a/manifests/${digest}`)).status, 200);
  assert.deepEqual(upstream.asked, ['resolve latest', `manifest ${digest}`, 'blob 0', 'resolve latest']);

  const moved = await origin.pushImage('a', 'latest', ['other']);
  const head = await cache.call('HEAD', '/v2/a/manifests/latest');
  assert.equal(head.headers.get('docker-content-digest'), moved, 'a tag that moves is followed');
  upstream.isDown = true;
  assert.equal((await cache.call('GET', '/v2/a/manifests/latest')).status, 200, 'what is here is given');
  assert.equal((await cache.call('GET', `/v2/a/blobs/${digestOf('layer')}`)).status, 200);
  const missing = await cache.call('GET', `/v2/a/blobs/${digestOf('other')}`);
  assert.deepEqual([missing.status, codeOf(missing)], [502, 'UNAVAILABLE']);
  upstream.isDown = false;
  assert.equal((await cache.call('GET', `/v2/a/blobs/${digestOf('other')}`)).status, 200);
  assert.equal((await cache.call('GET', '/v2/a/manifests/none')).status, 404);
  assert.equal((await cache.call('GET', `/v2/a/blobs/${digestOf('none')}`)).status, 404);
  const pushed = await cache.call('POST', '/v2/a/blobs/uploads/');
  assert.deepEqual([pushed.status, codeOf(pushed)], [405, 'UNSUPPORTED']);

  cache.laterMs = 2 * 3_600_000;
  await cache.registry.collect();
  assert.deepEqual(cache.store.list(), [], 'nothing stays for longer than it may');
});

test('an upstream that wants fewer requests is obeyed', async () => {
  const limit = (): never => {
    throw new SkiffError('unavailable', 'distribution.tooManyRequests', 'fewer, please');
  };
  const upstream = { url: 'http://upstream', resolve: limit, manifest: limit, blob: limit };
  await using cache = await TestRegistry.start({ upstream });
  for (const path of ['/v2/a/manifests/latest', `/v2/a/blobs/${digestOf('x')}`]) {
    const answer = await cache.call('GET', path);
    assert.deepEqual([answer.status, codeOf(answer)], [429, 'TOOMANYREQUESTS'], path);
  }
});

/** One blob that comes as fast as it is told to. */
class SlowUpstream implements Upstream {
  readonly url = 'http://upstream';
  readonly starts: number[] = [];
  readonly #bytes: Buffer;
  #limit = 0;
  #more = Promise.withResolvers<void>();
  #breaks = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Lets bytes up to here through, and breaks the connection then where it is told to. */
  release(to: number, breaks = false): void {
    this.#limit = to;
    this.#breaks = breaks;
    this.#more.resolve();
    this.#more = Promise.withResolvers<void>();
  }

  async resolve(): Promise<undefined> {
    return undefined;
  }

  async manifest(): Promise<undefined> {
    return undefined;
  }

  async blob(_name: string, _digest: Digest, start: number, signal: AbortSignal) {
    this.starts.push(start);
    const body = Readable.from(this.#pieces(start, signal), { objectMode: false });
    return { sizeBytes: this.#bytes.length, start, body };
  }

  async *#pieces(start: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const gone = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    gone.catch(() => {});
    for (let at = start; at < this.#bytes.length; ) {
      const more = this.#more.promise;
      if (at < this.#limit) {
        const end = Math.min(this.#limit, at + 100_000);
        yield this.#bytes.subarray(at, end);
        at = end;
      } else if (this.#breaks) {
        this.#breaks = false;
        throw new SkiffError('unavailable', 'distribution.upstreamFailed', 'broken');
      } else await Promise.race([more, gone]);
    }
  }
}

test('all who ask for a blob share one download, and get its bytes while it comes', async () => {
  const bytes = randomBytes(3_000_000);
  const upstream = new SlowUpstream(bytes);
  await using cache = await TestRegistry.start({ upstream });
  const path = `${cache.base}/v2/a/blobs/${digestOf(bytes)}`;
  const responses = await Promise.all([1, 2, 3].map(() => fetch(path)));
  const part = fetch(path, { headers: { Range: 'bytes=1000000-1999999' } });
  upstream.release(1_500_000);
  const readers = responses.map((response) => response.body!.getReader());
  let early = 0;
  while (early < 1_000_000) early += (await readers[0]!.read()).value!.length;
  assert.equal(cache.store.stat(digestOf(bytes)), undefined, 'it is not whole yet');
  upstream.release(2_000_000, true);
  upstream.release(bytes.length);
  for (const [index, reader] of readers.entries()) {
    let length = index === 0 ? early : 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) length += next.value.length;
    assert.equal(length, bytes.length);
  }
  assert.ok(Buffer.from(await (await part).arrayBuffer()).equals(bytes.subarray(1_000_000, 2_000_000)));
  assert.ok(upstream.starts.length <= 2, 'once, and once more after the break');
  const after = await cache.call('GET', path);
  assert.ok(after.bytes.equals(bytes));
  assert.deepEqual(await checkContent(cache.store, { deep: true }), []);
});

test('a download nobody waits for ends, and goes on from there', async () => {
  const bytes = randomBytes(2_000_000);
  const upstream = new SlowUpstream(bytes);
  await using cache = await TestRegistry.start({ upstream });
  const path = `${cache.base}/v2/a/blobs/${digestOf(bytes)}`;
  const stop = new AbortController();
  upstream.release(1_200_000);
  const first = await fetch(path, { signal: stop.signal });
  await first.body!.getReader().read();
  stop.abort();
  for (let turn = 0; turn < 300 && cache.store.ingests()[0]?.sizeBytes !== 1_200_000; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  upstream.release(bytes.length);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = await cache.call('GET', path);
  assert.ok(second.bytes.equals(bytes));
  assert.equal(upstream.starts[0], 0);
});

test('what has another digest than it should never becomes a blob', async () => {
  const upstream = new SlowUpstream(randomBytes(700_000));
  upstream.release(700_000);
  await using cache = await TestRegistry.start({ upstream });
  const digest = digestOf('something else');
  await assert.rejects(cache.call('GET', `/v2/a/blobs/${digest}`), 'the answer does not come to its end');
  assert.equal(cache.store.stat(digest), undefined);
  assert.deepEqual(cache.store.ingests(), []);
});
