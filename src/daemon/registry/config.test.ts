import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfiguration, readEnvironment } from './config-file.ts';
import { parseListen, type RegistryConfiguration, registryDefaults } from './configuration.ts';
import { parseRegistryFlags } from './flags.ts';

const read = (text: string, environment: Record<string, string> = {}): RegistryConfiguration =>
  parseConfiguration(text, 'config.yml', environment).configuration;

test("a configuration file has distribution's keys", () => {
  const configuration = read(`
version: 0.1
log:
  level: debug
  fields: {service: registry, zone: 3}
  accesslog: {disabled: true}
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /srv/registry/
  delete:
    enabled: true
  maintenance:
    readonly: {enabled: true}
    uploadpurging: {enabled: true, age: 168h, dryrun: false}
http:
  addr: :5000
  prefix: /mine/
  host: https://registry.example.com/
  secret: hush
  draintimeout: 30s
  headers:
    X-Content-Type-Options: [nosniff]
  tls:
    certificate: /cert.pem
    key: /key.pem
    clientcas: [/ca.pem]
    minimumtls: tls1.3
auth:
  htpasswd: {realm: here, path: /users}
proxy:
  remoteurl: https://registry-1.docker.io
  username: me
  password: "1234"
  ttl: 24h
validation:
  manifests:
    indexes: {platforms: none}
`);
  assert.deepEqual(configuration, {
    ...registryDefaults,
    dataRoot: '/srv/registry',
    listen: { kind: 'tcp', host: '::', port: 5000 },
    logLevel: 'debug',
    logFields: { service: 'registry', zone: '3' },
    settings: {
      allowDelete: true,
      readOnly: true,
      sparse: 'indexes',
      prefix: '/mine',
      addresses: { kind: 'url', url: 'https://registry.example.com' },
      secret: 'hush',
      headers: { 'X-Content-Type-Options': ['nosniff'] },
      accessLog: false,
    },
    tls: { certificate: '/cert.pem', key: '/key.pem', clientAuthorities: ['/ca.pem'], minimumVersion: 'TLSv1.3' },
    htpasswd: { realm: 'here', path: '/users' },
    proxy: { url: 'https://registry-1.docker.io', username: 'me', password: '1234', ttlMs: 24 * 3_600_000 },
    drainMs: 30_000,
    uploadsKeptMs: 168 * 3_600_000,
  });
});

test('a file that says little leaves the defaults; deletions have to be allowed', () => {
  const defaults = { ...registryDefaults, settings: { ...registryDefaults.settings, allowDelete: false } };
  assert.deepEqual(read('version: 0.1\nstorage:\n  filesystem:\n'), defaults);
  assert.deepEqual(read('{"version": "0.1", "http": {}}'), defaults);
  assert.deepEqual(readEnvironment({}).configuration, registryDefaults);
});

test('the environment overrides the file', () => {
  const configuration = read('{http: {addr: "127.0.0.1:1"}}', {
    REGISTRY_HTTP_ADDR: '127.0.0.1:2',
    REGISTRY_STORAGE_DELETE_ENABLED: 'true',
    REGISTRY_AUTH: 'htpasswd',
    REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
    REGISTRY_AUTH_HTPASSWD_PATH: '/auth/htpasswd',
    REGISTRY_HTTP_HEADERS: '{X-A: [b]}',
    REGISTRY_LOG_ACCESSLOG_DISABLED: 'true',
    PATH: '/bin',
  });
  assert.deepEqual(configuration.listen, { kind: 'tcp', host: '127.0.0.1', port: 2 });
  assert.equal(configuration.settings.allowDelete, true);
  assert.deepEqual(configuration.htpasswd, { realm: 'Registry Realm', path: '/auth/htpasswd' });
  assert.deepEqual(configuration.settings.headers, { 'X-A': ['b'] });
  const kubernetes = { REGISTRY_PORT: 'tcp://10.0.0.1:5000', REGISTRY_SERVICE_HOST: '10.0.0.1' };
  assert.deepEqual(readEnvironment(kubernetes).ignored, ['REGISTRY_PORT', 'REGISTRY_SERVICE_HOST']);
});

test('what cannot be honoured is refused by its name', () => {
  const check = (text: string, message: RegExp): void =>
    assert.throws(
      () => read(text),
      (error: Error) => message.test(error.message) || assert.fail(error.message),
    );
  check('storage: {s3: {bucket: x}}', /^'storage\.s3' \(config\.yml\) is not supported/);
  check('notifications: {endpoints: []}', /^'notifications' /);
  check('health: {storagedriver: {enabled: true}}', /^'health' /);
  check('auth: {token: {realm: x}}', /^'auth\.token' /);
  check('http: {tls: {letsencrypt: {email: x}}}', /^'http\.tls\.letsencrypt' /);
  check('htp: {}', /^there is no setting 'htp' /);
  check('version: 0.2', /^'version' .* has to be 0\.1$/);
  check('http: {addr: nonsense}', /^'http\.addr' /);
  check('http: {net: udp}', /tcp or unix/);
  check('http: {relativeurls: 1}', /true or false/);
  check('storage: {redirect: {disable: false}}', /has to be true/);
  check('storage: {filesystem: {rootdirectory: relative}}', /absolute path/);
  check('http: {headers: {X: y}}', /^'http\.headers\.X' .* a list of texts/);
  check('http: {host: ftp://x}', /http:\/\/ or https:\/\//);
  check('proxy: {username: me}', /'proxy' needs 'proxy\.remoteurl'/);
  check('http: {tls: {certificate: /c}}', /needs 'http\.tls\.key'/);
  check('auth: {htpasswd: {path: /users}}', /auth\.htpasswd\.realm/);
  check('proxy: {remoteurl: "https://x", ttl: soon}', /duration/);
  check('log: [', /^config\.yml: /);
  check('- a', /has to be a section/);
  assert.throws(
    () => readEnvironment({ REGISTRY_STORAGE_S3_BUCKET: 'x' }),
    /'REGISTRY_STORAGE_S3_BUCKET' \(environment\)/,
  );
});

test('flags come last, and bad ones are named', () => {
  const check = (args: string, message: RegExp): void =>
    assert.throws(() => parseRegistryFlags(args.split(' '), {}), message, args);
  const command = parseRegistryFlags(
    [
      '--data-root',
      '/d/',
      '--listen',
      '[::1]:0',
      '--sparse',
      'all',
      '--grace',
      '1h',
      '--no-delete',
      '--remove-untagged',
    ],
    { REGISTRY_HTTP_ADDR: '127.0.0.1:2' },
  );
  assert.ok(command.kind === 'serve');
  const { dataRoot, listen, settings, graceMs, removeUntagged } = command.configuration;
  assert.deepEqual(
    { dataRoot, listen, sparse: settings.sparse, allowDelete: settings.allowDelete, graceMs, removeUntagged },
    {
      dataRoot: '/d',
      listen: { kind: 'tcp', host: '::1', port: 0 },
      sparse: 'all',
      allowDelete: false,
      graceMs: 3_600_000,
      removeUntagged: true,
    },
  );
  assert.deepEqual(parseRegistryFlags(['check', '--data-root=/d', '--deep'], {}), {
    kind: 'check',
    dataRoot: '/d',
    deep: true,
    repair: false,
  });
  check('--listen here', /cannot listen on 'here'/);
  check('--data-root d', /not an absolute path/);
  check('--sparse some', /invalid --sparse 'some'/);
  check('--grace soon', /--grace: invalid duration/);
  check('--tls-cert /c', /go together/);
  check('--repair', /go with 'check'/);
  check('sing', /unknown command 'sing'/);
  check('serve /nowhere/config.yml', /cannot read \/nowhere\/config\.yml/);
  check('--nonsense', /nonsense/);
});

test('parseListen() reads addresses', () => {
  for (const text of ['', '5000', 'host', 'host:', 'host:99999', '::1:5000', '[::1]', 'a:b:1']) {
    assert.equal(parseListen(text), undefined, text);
  }
  assert.deepEqual(parseListen('localhost:0'), { kind: 'tcp', host: 'localhost', port: 0 });
});
