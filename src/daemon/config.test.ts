import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDaemonFlags } from './config.ts';

test('parseDaemonFlags() reads what the daemon is told of registries', () => {
  const environment = { HTTPS_PROXY: 'http://p:1', no_proxy: 'a.test' };
  const plain = parseDaemonFlags([], environment).registry;
  assert.deepEqual(plain.proxies, { httpProxy: '', httpsProxy: 'http://p:1', noProxy: 'a.test' });
  assert.deepEqual([plain.maxConcurrentDownloads, plain.maxConcurrentUploads, plain.mirrors], [3, 5, {}]);
  const flags = [
    '--insecure-registry=a.test:5000',
    '--insecure-registry=10.0.0.0/8',
    '--registry-mirror=https://m.test',
    '--registry-mirror=https://n.test/path/',
    '--https-proxy=http://q:2',
    '--max-concurrent-downloads=7',
    '--max-download-attempts=1',
  ];
  const { registry } = parseDaemonFlags(flags, environment);
  assert.deepEqual(registry.insecureRegistries, ['a.test:5000', '10.0.0.0/8']);
  assert.deepEqual(registry.mirrors, { 'docker.io': ['https://m.test', 'https://n.test/path/'] });
  assert.equal(registry.proxies.httpsProxy, 'http://q:2');
  assert.deepEqual([registry.maxConcurrentDownloads, registry.maxAttempts], [7, 1]);
});

test('parseDaemonFlags() refuses what cannot be meant, naming it', () => {
  const check = (flag: string, message: RegExp): void =>
    assert.throws(() => parseDaemonFlags([flag]), { message }, flag);
  check('--insecure-registry=https://a.test', /invalid insecure registry 'https:\/\/a.test': give the host alone/);
  check('--registry-mirror=m.test', /invalid mirror 'm.test': /);
  check('--max-concurrent-uploads=0', /invalid --max-concurrent-uploads '0': give a number from 1 to 9999/);
});
