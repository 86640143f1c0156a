import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { decodeAuthHeader } from '../client/auth-config.ts';
import { parseReference } from '../reference.ts';
import { authHeaderFor, CredentialStore, serverKeyOf } from './credential-store.ts';

function inFolder(run: (folder: string, store: CredentialStore) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(`${tmpdir()}/docker-config-`);
    try {
      // Only programs of the test's own, besides the shell's.
      await run(folder, new CredentialStore({ DOCKER_CONFIG: folder, PATH: `${folder}:/bin:/usr/bin` }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

const ann = { username: 'ann', password: 'secret' };

test(
  'credentials go into the file and out again, and what else is in it stays',
  inFolder(async (folder, store) => {
    writeFileSync(
      `${folder}/real.json`,
      '{"HttpHeaders":{"a":"b"},"auths":{"old.test":{"auth":"Ym9iOng=","x":1}},"zzz":[1]}',
    );
    symlinkSync('real.json', store.path);
    assert.deepEqual(await store.store('reg.test:5000', ann), { isEncrypted: false });
    assert.ok(lstatSync(store.path).isSymbolicLink());
    assert.deepEqual(JSON.parse(readFileSync(store.path, 'utf8')), {
      HttpHeaders: { a: 'b' },
      auths: { 'old.test': { auth: 'Ym9iOng=', x: 1 }, 'reg.test:5000': { auth: 'YW5uOnNlY3JldA==' } },
      zzz: [1],
    });
    assert.deepEqual(await store.get('reg.test:5000'), { ...ann, serverAddress: 'reg.test:5000' });
    assert.equal((await store.get('old.test')).username, 'bob');
    await store.erase('reg.test:5000');
    await store.erase('reg.test:5000');
    assert.deepEqual(await store.get('reg.test:5000'), {});
  }),
);

test(
  'a new file is for its owner alone; an identity token replaces the password',
  inFolder(async (_, store) => {
    await store.store('reg.test', { ...ann, identityToken: 'i' });
    assert.equal(statSync(store.path).mode & 0o777, 0o600);
    const text = readFileSync(store.path, 'utf8');
    assert.equal(
      text,
      '{\n\t"auths": {\n\t\t"reg.test": {\n\t\t\t"auth": "YW5uOg==",\n\t\t\t"identitytoken": "i"\n\t\t}\n\t}\n}',
    );
    assert.deepEqual(await store.get('reg.test'), { serverAddress: 'reg.test', username: 'ann', identityToken: 'i' });
  }),
);

test(
  'authHeaderFor() finds the registry of a reference under the names it has had',
  inFolder(async (_, store) => {
    const header = async (name: string) => decodeAuthHeader(await authHeaderFor(store, parseReference(name)));
    assert.equal(await authHeaderFor(store, parseReference('alpine')), undefined);
    await store.store(serverKeyOf('docker.io'), ann);
    await store.store('https://old.test/v1/', ann);
    assert.deepEqual(await header('alpine'), { ...ann, serverAddress: 'https://index.docker.io/v1/' });
    assert.deepEqual(await header('old.test/x'), { ...ann, serverAddress: 'old.test' });
    assert.deepEqual(await header('other.test/x'), {});
  }),
);

const helper = (folder: string): string => `#!/bin/sh
echo "$1 $(cat)" >> ${folder}/log
case $1 in
  get) [ -f ${folder}/stored ] || { echo "credentials not found in native keychain"; exit 1; }
       cat ${folder}/stored;;
  erase) rm -f ${folder}/stored;;
  store) tail -n1 ${folder}/log | cut -d' ' -f2- > ${folder}/stored;;
esac
`;

test(
  'a helper program keeps credentials, also identity tokens, and the file only their name',
  inFolder(async (folder, store) => {
    writeFileSync(`${folder}/docker-credential-fake`, helper(folder));
    chmodSync(`${folder}/docker-credential-fake`, 0o755);
    writeFileSync(store.path, '{"credHelpers":{"reg.test":"fake","evil.test":"../x","none.test":"missing"}}');
    assert.deepEqual(await store.get('reg.test'), {});
    assert.deepEqual(await store.store('reg.test', ann), { isEncrypted: true });
    assert.deepEqual(await store.get('reg.test'), { ...ann, serverAddress: 'reg.test' });
    assert.deepEqual(JSON.parse(readFileSync(store.path, 'utf8')).auths, { 'reg.test': {} });
    await store.store('reg.test', { username: 'ann', identityToken: 'i' });
    assert.deepEqual(await store.get('reg.test'), { serverAddress: 'reg.test', identityToken: 'i' });
    await store.erase('reg.test');
    assert.deepEqual(await store.get('reg.test'), {});
    assert.match(
      readFileSync(`${folder}/log`, 'utf8'),
      /store {"ServerURL":"reg.test","Username":"ann","Secret":"secret"}\n/,
    );
    await assert.rejects(async () => store.get('evil.test'), { code: 'registry.helperFailed' });
    await assert.rejects(store.store('none.test', ann), {
      message:
        'error storing credentials - err: exec: "docker-credential-missing": executable file not found in $PATH, out: ``',
    });
    writeFileSync(`${folder}/docker-credential-fake`, '#!/bin/sh\necho broken; exit 3\n');
    await assert.rejects(store.get('reg.test'), { message: /exit status 3, out: `broken`/ });
  }),
);

test(
  'a file that cannot be read is named',
  inFolder(async (_, store) => {
    for (const bad of ['{', '[]', '{"auths":[]}', '{"auths":{"a":{"auth":"!!"}}}', '{"credsStore":1}']) {
      writeFileSync(store.path, bad);
      await assert.rejects(async () => store.get('x'), { code: 'registry.badConfigFile' }, bad);
    }
    writeFileSync(store.path, ' \n');
    assert.deepEqual(await store.get('x'), {});
  }),
);
