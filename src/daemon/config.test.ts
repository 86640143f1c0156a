import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { type DaemonConfig, readDaemonCommand } from './config.ts';
import { daemonHelp } from './options/help.ts';
import { options } from './options/table.ts';

const folder = mkdtempSync('/tmp/skiff-config-');
after(() => rmSync(folder, { recursive: true, force: true }));
const file = `${folder}/daemon.json`;

function read(
  args: readonly string[],
  content?: object | string,
  environment: Record<string, string> = {},
): DaemonConfig {
  if (content !== undefined) writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  const named = content === undefined ? [] : ['--config-file', file];
  const command = readDaemonCommand([...args, ...named], environment);
  assert.ok(command.kind === 'run');
  return command.config;
}

const withFile = (why: string): string => `unable to configure the Docker daemon with file ${file}: ${why}`;

test('the budget of the build cache comes from the section of dockerd', () => {
  const check = (gc: object, expected: number | undefined): void =>
    assert.equal(read([], { builder: { gc } }).buildCacheBytes, expected, JSON.stringify(gc));
  check({}, undefined);
  check({ enabled: true }, undefined);
  check({ defaultKeepStorage: '10GB' }, 10 * 1024 ** 3);
  check({ defaultReservedSpace: '1GB', defaultMaxUsedSpace: '2GB' }, 2 * 1024 ** 3);
  check({ enabled: false, defaultKeepStorage: '1GB' }, Number.POSITIVE_INFINITY);
  const refused = (builder: object, why: RegExp): void => {
    assert.throws(() => read([], { builder }), { message: why }, JSON.stringify(builder));
  };
  refused({ gc: { policy: [] } }, /builder\.gc\.policy cannot be used: the cache has one budget/);
  refused({ gc: { defaultKeepStorage: 'much' } }, /builder\.gc\.defaultKeepStorage cannot be used/);
  refused({ gc: { enabled: 'yes' } }, /has to be true or false/);
  refused({ Entitlements: {} }, /only gc is known/);
});

test('an option has the same value as a flag and in the file', () => {
  const check = (
    args: readonly string[],
    content: object,
    pick: (config: DaemonConfig) => unknown,
    expected: unknown,
  ) => {
    assert.deepEqual(pick(read(args)), expected, args.join(' '));
    assert.deepEqual(pick(read([], content)), expected, JSON.stringify(content));
  };
  check(['--data-root=/d/'], { 'data-root': '/d' }, ({ dataRoot }) => dataRoot, '/d');
  check(['-D'], { debug: true }, ({ logLevel, settings }) => [logLevel, settings.debug], ['debug', true]);
  check(['-l', 'warn'], { 'log-level': 'warn' }, ({ logLevel }) => logLevel, 'warn');
  check(['--log-format=json'], { 'log-format': 'json' }, ({ logFormat }) => logFormat, 'json');
  check(['--label=a=b', '--label', 'c=d'], { labels: ['a=b', 'c=d'] }, ({ settings }) => settings.labels, [
    'a=b',
    'c=d',
  ]);
  check(['--live-restore'], { 'live-restore': true }, ({ settings }) => settings.liveRestore, true);
  check(
    ['--default-ulimit=nofile=64:128', '--default-ulimit=nproc=5'],
    {
      'default-ulimits': {
        nofile: { Name: 'nofile', Soft: 64, Hard: 128 },
        nproc: { Name: 'nproc', Soft: 5, Hard: 5 },
      },
    },
    ({ settings }) => settings.defaults.ulimits,
    [
      { name: 'nofile', soft: 64, hard: 128 },
      { name: 'nproc', soft: 5, hard: 5 },
    ],
  );
  check(
    ['--default-shm-size=1m'],
    { 'default-shm-size': '1M' },
    ({ settings }) => settings.defaults.shmSizeBytes,
    1 << 20,
  );
  check(
    ['--log-driver=none', '--log-opt=max-size=1m'],
    { 'log-driver': 'none', 'log-opts': { 'max-size': '1m' } },
    ({ settings }) => settings.defaults.log,
    { driver: 'none', options: { 'max-size': '1m' } },
  );
  check(
    ['--storage-opt=overlay2.size=10G'],
    { 'storage-opts': ['overlay2.size=10G'] },
    (c) => c.settings.defaults.storageBytes,
    10 * 2 ** 30,
  );
  check(
    ['--max-concurrent-downloads=7'],
    { 'max-concurrent-downloads': 7 },
    (c) => c.registry.maxConcurrentDownloads,
    7,
  );
  check(
    ['--registry-mirror=https://m.test', '--registry-mirror=https://n.test/path/'],
    { 'registry-mirrors': ['https://m.test', 'https://n.test/path/'] },
    ({ registry }) => registry.mirrors,
    { 'docker.io': ['https://m.test', 'https://n.test/path/'] },
  );
  check(
    ['--http-proxy=http://q:2'],
    { proxies: { 'http-proxy': 'http://q:2' } },
    (c) => c.registry.proxies.httpProxy,
    'http://q:2',
  );
  check(
    ['--no-new-privileges', '--init'],
    { 'no-new-privileges': true, init: true },
    (c) => c.settings.defaults.init,
    true,
  );
});

test('-H takes what dockerd takes', () => {
  const hosts = (...args: string[]) => read(args.flatMap((host) => ['-H', host])).hosts;
  assert.deepEqual(hosts(), [{ kind: 'unix', path: '/run/skiff.sock' }]);
  assert.deepEqual(hosts('unix:///a', 'tcp://0.0.0.0:1', 'fd://', 'tcp://', ':2', 'tcp://[::1]:3'), [
    { kind: 'unix', path: '/a' },
    { kind: 'tcp', host: '0.0.0.0', port: 1 },
    { kind: 'fd', name: '*' },
    { kind: 'tcp', host: '127.0.0.1', port: 2375 },
    { kind: 'tcp', host: '127.0.0.1', port: 2 },
    { kind: 'tcp', host: '::1', port: 3 },
  ]);
  assert.deepEqual(read(['-H', 'tcp://', '--tls']).hosts, [{ kind: 'tcp', host: '127.0.0.1', port: 2376 }]);
  assert.deepEqual(read(['--tlsverify'], undefined, { DOCKER_CERT_PATH: '/c' }).tls, {
    certificate: '/c/cert.pem',
    key: '/c/key.pem',
    clientAuthority: '/c/ca.pem',
  });
  assert.deepEqual(read([], undefined, { SKIFF_PROGRAM: 'dockerd' }).hosts, [
    { kind: 'unix', path: '/var/run/docker.sock' },
  ]);
});

test('what is wrong is told in the words of dockerd', () => {
  const check = (args: readonly string[], content: object | string | undefined, message: string) =>
    assert.throws(
      () => read(args, content),
      (error: Error) => {
        assert.equal(error.message, message);
        return true;
      },
    );
  check(
    ['--label', 'c=d', '--debug'],
    { labels: ['a=b'], debug: true },
    withFile(
      'the following directives are specified both as a flag and in the configuration file: ' +
        'debug: (from flag: true, from file: true), labels: (from flag: [c=d], from file: [a=b])',
    ),
  );
  check(
    ['--log-opt', 'c=d'],
    { 'log-opts': { a: 'b' } },
    withFile(
      'the following directives are specified both as a flag and in the configuration file: ' +
        'log-opts: (from flag: map[c:d], from file: map[a:b])',
    ),
  );
  check(
    [],
    { nope: 1, host: [] },
    withFile("the following directives don't match any configuration option: host, nope"),
  );
  check([], { debug: 'x' }, withFile('json: cannot unmarshal string into Go struct field Config.debug of type bool'));
  check([], { labels: ['a'] }, withFile('configuration validation from file failed: bad attribute format: a'));
  check(
    [],
    { 'max-concurrent-downloads': -1 },
    withFile('configuration validation from file failed: invalid max concurrent downloads: -1'),
  );
  check(
    [],
    { 'default-runtime': 'zz' },
    withFile("configuration validation from file failed: specified default runtime 'zz' does not exist"),
  );
  check(['--label', 'a=b', '--label', 'a=c'], undefined, 'conflict labels for a=c and a=b');
  check(['--nope'], undefined, "unknown flag: --nope\nSee 'skiffd --help'.");
  check(['extra'], undefined, '"skiffd" accepts no argument(s).\nSee \'skiffd --help\'.');
  check(['-H', 'foo://bar'], undefined, 'Invalid bind address format: foo://bar');
  check(['-H', 'tcp://1.2.3.4:99999'], undefined, 'Invalid bind address format: tcp://1.2.3.4:99999');
  check(
    ['--default-ulimit=nofile=20:10'],
    undefined,
    'invalid argument "nofile=20:10" for "--default-ulimit" flag: ulimit soft limit must be less than or equal to hard ' +
      "limit: 20 > 10\nSee 'skiffd --help'.",
  );
  check(
    ['--add-runtime=foo'],
    undefined,
    'invalid argument "foo" for "--add-runtime" flag: invalid runtime argument: foo\nSee \'skiffd --help\'.',
  );
  check(
    ['--default-shm-size=1x'],
    undefined,
    'invalid argument "1x" for "--default-shm-size" flag: invalid size: \'1x\'\nSee \'skiffd --help\'.',
  );
  check(
    ['--default-cgroupns-mode=x'],
    undefined,
    'default cgroup namespace mode (x) is invalid; use "host" or "private"',
  );
  check(
    ['--insecure-registry=https://a.test'],
    undefined,
    "invalid insecure registry 'https://a.test': give the host alone, without http:// or https://",
  );
});

test('each of the options is honoured, noted in one line, or refused by name', () => {
  const example: Readonly<Record<string, unknown>> = {
    bool: true,
    string: 'x',
    int: 3,
    list: ['x'],
    map: { a: 'b' },
    section: { a: true },
  };
  for (const option of options.filter(({ treatment, only }) => treatment !== 'honoured' && only !== 'flag')) {
    const value =
      option.kind.show(example[option.kind.name]) === option.harmless?.[0] ? false : example[option.kind.name];
    const content = { [option.key]: value };
    if (option.treatment === 'noted') {
      assert.deepEqual(read([], content).warnings, [`the option '${option.flag}' has no effect: ${option.why}`]);
    } else assert.throws(() => read([], content), new RegExp(`'${option.flag}' .* is not supported`), option.flag);
  }
  assert.deepEqual(read(['--bridge=none', '--iptables=false', '--icc=true', '--mtu=1500']).warnings.length, 1);
});

test('runtimes: by flags and the file together, and which is the default', () => {
  const flags = ['--add-runtime', 'crun=/usr/bin/crun', '--add-runtime=Kata = /opt/kata'];
  const { settings } = read(flags, {
    runtimes: { mine: { path: 'mine', runtimeArgs: ['--debug'] } },
    'default-runtime': 'crun',
  });
  assert.deepEqual(settings.runtimes, {
    mine: { path: 'mine', args: ['--debug'] },
    crun: { path: '/usr/bin/crun', args: [] },
    kata: { path: '/opt/kata', args: [] },
  });
  assert.equal(settings.defaultRuntime, 'crun');
  assert.equal(read([]).settings.defaultRuntime, 'skiff');
  for (const [given, content, words] of [
    [['--default-runtime=nobody'], undefined, /specified default runtime 'nobody' does not exist/],
    [['--add-runtime=skiff=/x'], undefined, /runtime name 'skiff' is reserved/],
    [['--add-runtime=x'], undefined, /invalid runtime argument: x/],
    [[], { runtimes: { x: { runtimeType: 'io.containerd.runc.v2' } } }, /'runtimeType' is not supported/],
    [[], { runtimes: { x: { path: '/x', runtimeArgs: ['--root', '/y'] } } }, /'--root' is not supported/],
    [[], { runtimes: { x: { path: '/x', runtimeArgs: ['--systemd-cgroup=true'] } } }, /not made by systemd/],
  ] as const) {
    assert.throws(() => read([...given], content), words);
  }
});

test('the default network', () => {
  assert.deepEqual(read([]).network, { bridge: 'skiff0', bridgeAddress: '', mtu: 1500, publishMode: 'forward' });
  const given = read(['--bridge=br7', '--bip=10.1.0.1/16'], { mtu: 9000 });
  assert.deepEqual(given.network, { bridge: 'br7', bridgeAddress: '10.1.0.1/16', mtu: 9000, publishMode: 'forward' });
  for (const [flags, words] of [
    [['--bridge=a/b'], /invalid --bridge 'a\/b'/],
    [['--bip=10.1.0.1'], /invalid --bip '10.1.0.1'/],
    [['--bip=10.1.0.1/16', '--bridge=none'], /--bip makes no sense/],
    [['--mtu=60'], /invalid --mtu '60'/],
  ] as const) {
    assert.throws(() => read(flags), words);
  }
});

test('the help fits a terminal and names what has no effect', () => {
  const command = readDaemonCommand(['--help']);
  assert.ok(command.kind === 'help');
  const lines = daemonHelp(command.program).split('\n');
  assert.ok(
    lines.every((line) => line.length <= 120),
    String(lines.find((line) => line.length > 120)),
  );
  assert.ok(lines.some((line) => line.includes('userland-proxy')));
});

test('flags and files of random bytes are read or refused, and nothing else', () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
  const words = [
    '{',
    '}',
    '"debug"',
    ':',
    'true',
    '[',
    ']',
    '"labels"',
    ',',
    '"a=b"',
    '1e99',
    'null',
    '"runtimes"',
    '\u0000',
    '-H',
    '--',
    '-',
    '=',
  ];
  for (let turn = 0; turn < 1000; turn++) {
    const text = Array.from({ length: random(12) }, () => words[random(words.length)]).join('');
    try {
      read(turn % 2 === 0 ? [] : [text], turn % 2 === 0 ? text : undefined);
    } catch (error) {
      assert.match((error as { code?: string }).code ?? '', /^daemon\./, `${JSON.stringify(text)}: ${String(error)}`);
    }
  }
});
