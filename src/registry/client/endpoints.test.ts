import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { checkInsecureRegistry, checkMirror, endpointsFor, isInsecure } from './endpoints.ts';
import { readHostCertificates } from './host-certificates.ts';
import { proxiesFromEnvironment, proxyFor } from './proxy.ts';

test('endpointsFor() lists mirrors for pulls, then the registry', () => {
  const config = {
    insecureRegistries: ['reg.test:5000'],
    mirrors: { 'docker.io': ['https://hub.mirror/'], 'reg.test:5000': ['http://m.test/cache/'] },
  };
  const check = (host: string, purpose: 'pull' | 'push', expected: readonly string[]): void =>
    assert.deepEqual(
      endpointsFor(host, purpose, config).map(({ bases }) => bases.join(' ')),
      expected,
      host,
    );
  check('docker.io', 'pull', ['https://hub.mirror', 'https://registry-1.docker.io']);
  check('docker.io', 'push', ['https://registry-1.docker.io']);
  check('ghcr.io', 'pull', ['https://ghcr.io']);
  check('reg.test:5000', 'pull', ['http://m.test/cache', 'https://reg.test:5000 http://reg.test:5000']);
  check('localhost:5000', 'push', ['https://localhost:5000 http://localhost:5000']);
  for (const host of ['1.2.3.999', 'reg.test:99999']) {
    assert.throws(() => endpointsFor(host, 'pull', config), { code: 'registry.badUrl' }, host);
  }
  check('[::1]:5000', 'push', ['https://[::1]:5000 http://[::1]:5000']);
});

test('isInsecure() knows loopback, names, names with ports and networks', () => {
  const list = ['a.test', 'b.test:5000', '10.0.0.0/8', 'fd00::/8'];
  const check = (host: string, expected: boolean): void => assert.equal(isInsecure(host, list), expected, host);
  for (const host of ['localhost', 'localhost:1', '127.9.9.9:5', '[::1]', 'a.test', 'a.test:99', 'b.test:5000'])
    check(host, true);
  for (const host of ['10.1.2.3:5000', '[fd12::1]:443']) check(host, true);
  for (const host of ['b.test', 'c.test', '11.0.0.1', '[fe80::1]', '1270.0.0.1', 'xa.test']) check(host, false);
});

test('mirrors and insecure registries that cannot be meant are refused', () => {
  for (const mirror of ['https://m.test', 'http://m.test:5000/path/']) assert.equal(checkMirror(mirror), mirror);
  for (const mirror of ['m.test', 'ftp://m.test', 'https://u:p@m.test', 'https://m.test/?x', 'https://m.test/#x', '']) {
    assert.throws(() => checkMirror(mirror), { code: 'registry.badSetting' }, mirror);
  }
  for (const entry of ['a.test', 'a.test:5000', '10.0.0.0/8', '::1/128', '[::1]:5000']) checkInsecureRegistry(entry);
  for (const entry of ['http://a.test', 'a.test/x', '10.0.0.0/33', '', '-a', '10.0.0.0/']) {
    assert.throws(() => checkInsecureRegistry(entry), { code: 'registry.badSetting' }, entry);
  }
});

test('proxyFor() follows HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go does', () => {
  const check = (url: string, noProxy: string, expected: string | undefined): void => {
    const settings = { httpProxy: 'plain.proxy:3128', httpsProxy: 'https://tls.proxy', noProxy };
    assert.equal(proxyFor(new URL(url), settings)?.href, expected, `${url} without ${noProxy}`);
  };
  check('http://a.test', '', 'http://plain.proxy:3128/');
  check('https://a.test', '', 'https://tls.proxy/');
  for (const url of ['http://localhost', 'http://127.3.4.5:80', 'http://[::1]:5000']) check(url, '', undefined);
  for (const no of ['*', 'a.test', 'test', 'b.test, A.TEST', 'a.test:443']) check('https://a.test', no, undefined);
  for (const no of ['.a.test', 'a.test:80', 'b.test', 'xa.test', '.', '10.0.0.0/8', 'a.test/8']) {
    check('https://a.test', no, no === '.' ? 'https://tls.proxy/' : 'https://tls.proxy/');
  }
  for (const no of ['.a.test', '*.a.test', 'a.test']) check('https://sub.a.test', no, undefined);
  for (const no of ['10.0.0.0/8', '10.1.2.3', '10.1.2.3:5000']) check('http://10.1.2.3:5000', no, undefined);
  check('http://10.1.2.3:5000', '11.0.0.0/8,10.1.2.3:80', 'http://plain.proxy:3128/');
  check('http://[fd00::1]:5000', '[fd00::1]:5000', undefined);
  check('http://[fd00::1]:5000', 'fd00::/8', undefined);
  assert.throws(
    () => proxyFor(new URL('http://a.test'), { httpProxy: 'socks5://u:p@x', httpsProxy: '', noProxy: '' }),
    {
      message: "proxy 'socks5://u:xxxxx@x': only http and https proxies can be used",
    },
  );
  assert.deepEqual(proxiesFromEnvironment({ http_proxy: 'a', HTTP_PROXY: 'b', https_proxy: 'c', no_proxy: 'd' }), {
    httpProxy: 'b',
    httpsProxy: 'c',
    noProxy: 'd',
  });
});

test('readHostCertificates() takes CAs and pairs from all folders, and refuses half a pair', () => {
  const folder = mkdtempSync(`${tmpdir()}/certs-`);
  try {
    mkdirSync(`${folder}/a/reg.test:5000`, { recursive: true });
    mkdirSync(`${folder}/b/reg.test:5000`, { recursive: true });
    writeFileSync(`${folder}/a/reg.test:5000/ca.crt`, 'CA');
    writeFileSync(`${folder}/b/reg.test:5000/me.cert`, 'CERT');
    const folders = [`${folder}/a`, `${folder}/b`, `${folder}/none`];
    assert.throws(() => readHostCertificates(folders, 'reg.test:5000'), {
      message: /missing key me.key for client certificate .*me.cert. CA certificates must use the extension .crt/,
    });
    writeFileSync(`${folder}/b/reg.test:5000/me.key`, 'KEY');
    const found = readHostCertificates(folders, 'reg.test:5000');
    assert.deepEqual([found?.authorities, found?.own], [['CA'], [{ certificate: 'CERT', key: 'KEY' }]]);
    rmSync(`${folder}/b/reg.test:5000/me.cert`);
    assert.throws(() => readHostCertificates(folders, 'reg.test:5000'), {
      message: /missing client certificate me.cert/,
    });
    for (const host of ['other', '..', '../a/reg.test:5000'])
      assert.equal(readHostCertificates(folders, host), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
