import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRegistryConfig } from '#registry';
import { registryInfo } from './registry-info.ts';

test('registryInfo() shows settings under the keys of Docker, and no passwords', () => {
  const check = (httpProxy: string, expected: string): void => {
    const proxies = { httpProxy, httpsProxy: '', noProxy: 'a.test' };
    const info = registryInfo(
      {
        ...defaultRegistryConfig,
        insecureRegistries: ['reg.test:5000', '10.0.0.0/8'],
        mirrors: { 'docker.io': ['https://m.test'] },
        proxies,
      },
      55,
    );
    assert.deepEqual(info, {
      IndexServerAddress: 'https://index.docker.io/v1/',
      RegistryConfig: {
        InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', '10.0.0.0/8'],
        IndexConfigs: {
          'docker.io': { Name: 'docker.io', Mirrors: ['https://m.test'], Secure: true, Official: true },
          'reg.test:5000': { Name: 'reg.test:5000', Mirrors: [], Secure: false, Official: false },
        },
        Mirrors: ['https://m.test'],
      },
      HttpProxy: expected,
      HttpsProxy: '',
      NoProxy: 'a.test',
    });
  };
  check('', '');
  check('http://proxy.test:3128', 'http://proxy.test:3128');
  check('http://user:secret@proxy.test:3128', 'http://xxxxx:xxxxx@proxy.test:3128');
  check('user:secret@proxy.test:3128', 'xxxxx:xxxxx@proxy.test:3128');
  check('http://user:se@cret@[bad/', 'http://xxxxx:xxxxx@[bad/');
});
