/** The daemon on a network: TCP, mutual TLS, sockets handed over by a supervisor; and a client behind ssh. */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { testCgroup } from '../support/leaks.ts';

const BIN = `${import.meta.dirname}/../../bin`;

interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command, with nothing of this machine's environment but what is given. */
function run(program: string, args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Said> {
  const { PATH = '', SKIFF_SOURCE } = process.env;
  const own = { PATH, HOME: '/nonexistent', ...(SKIFF_SOURCE === undefined ? {} : { SKIFF_SOURCE }), ...env };
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: own, timeout: 30_000 }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin!.end(input);
  });
}

/** An authority, and what it and another have signed. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  const sign = (authority: string, name: string, days: string, extensions: string): void => {
    writeFileSync(`${folder}/ext`, extensions);
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}/key.pem`, '-subj', `/CN=${name}`];
    openssl('req', '-new', ...key, '-out', 'csr');
    const signing = ['-CA', `${authority}/ca.pem`, '-CAkey', `${authority}/ca-key.pem`, '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      'csr',
      ...signing,
      ...days.split(' '),
      '-extfile',
      'ext',
      '-out',
      `${name}/cert.pem`,
    );
  };
  for (const name of ['server', 'client', 'foreign', 'expired', 'bare']) mkdirSync(`${folder}/${name}`);
  for (const name of ['server', 'foreign']) {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}/ca-key.pem`, '-subj', `/CN=${name} authority`];
    openssl('req', '-x509', ...key, '-days', '9', '-out', `${name}/ca.pem`);
  }
  sign('server', 'server', '-days 9', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  sign('server', 'client', '-days 9', 'extendedKeyUsage=clientAuth');
  sign('foreign', 'foreign', '-days 9', 'extendedKeyUsage=clientAuth');
  sign('server', 'expired', '-days -1', 'extendedKeyUsage=clientAuth');
  const foreignAuthority = readFileSync(`${folder}/foreign/ca.pem`);
  for (const name of ['client', 'expired', 'bare', 'foreign']) {
    writeFileSync(`${folder}/${name}/ca.pem`, readFileSync(`${folder}/server/ca.pem`));
  }
  // Right about itself, wrong about the daemon.
  mkdirSync(`${folder}/mistrusting`);
  for (const file of ['cert.pem', 'key.pem']) {
    writeFileSync(`${folder}/mistrusting/${file}`, readFileSync(`${folder}/client/${file}`));
  }
  writeFileSync(`${folder}/mistrusting/ca.pem`, foreignAuthority);
}

const portOf = (output: string): string => /^API listen on 127\.0\.0\.1:(\d+)$/m.exec(output)?.[1] ?? '';

describe('the daemon on a network', { skip: missing('root', 'busybox', 'openssl', 'docker'), timeout: 180_000 }, () => {
  const folder = mkdtempSync('/tmp/skiff-tls-');
  const daemon = new Daemon();
  let host = '';
  let plain = '';

  before(async () => {
    makeCertificates(folder);
    const server = `${folder}/server`;
    const files = [`--tlscacert=${server}/ca.pem`, `--tlscert=${server}/cert.pem`, `--tlskey=${server}/key.pem`];
    await daemon.start('--tlsverify', ...files, '-H', 'tcp://127.0.0.1:0');
    await daemon.import();
    host = `tcp://127.0.0.1:${portOf(daemon.output)}`;
    plain = `unix://${daemon.socket}`;
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const as = (who: string): Record<string, string> => ({
    DOCKER_HOST: host,
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: `${folder}/${who}`,
  });

  for (const program of ['docker', `${BIN}/skiff`]) {
    const name = program.split('/').at(-1);

    test(`${name}: with the right certificate everything works, streams in both directions too`, async () => {
      const echo = ['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo end >&2; exit 3'];
      const input = 'x'.repeat(300_000);
      const { status, stdout, stderr } = await run(program, echo, as('client'), input);
      assert.deepEqual([status, stdout.length, stderr], [3, input.length, 'end\n']);
      const id = await daemon.containers.begin({ Cmd: ['sleep', '100'] });
      const exec = await run(program, ['exec', '-i', id, 'sh', '-c', 'wc -c'], as('client'), 'four');
      assert.deepEqual([exec.status, exec.stdout.trim()], [0, '4']);
      const logs = await run(program, ['logs', id], as('client'));
      assert.equal(logs.status, 0, logs.stderr);
      const given = ['--tlsverify', `--tlscacert=${folder}/server/ca.pem`];
      const own = [`--tlscert=${folder}/client/cert.pem`, `--tlskey=${folder}/client/key.pem`];
      const flags = await run(program, ['-H', host, ...given, ...own, 'ps', '-q'], {});
      assert.deepEqual([flags.status, flags.stdout.trim()], [0, id.slice(0, 12)]);
      await daemon.removeContainers();
    });

    test(`${name}: without one, with another authority's, or after its time, nobody is let in`, async () => {
      for (const who of ['bare', 'foreign', 'expired', 'mistrusting']) {
        const { status, stdout, stderr } = await run(program, ['ps'], as(who));
        assert.equal(status, 1, `${who}: ${stdout}${stderr}`);
        assert.deepEqual(stdout, '', who);
      }
      const without = await run(program, ['ps'], { DOCKER_HOST: host });
      assert.equal(without.status, 1);
    });
  }

  test('exec -it through TLS has a terminal', { skip: missing('script') }, async () => {
    const id = await daemon.containers.begin({ Cmd: ['sleep', '100'] });
    for (const program of ['docker', `${BIN}/skiff`]) {
      const command = `${program} exec -it ${id} sh -c 'test -t 0 && test -t 1 && echo terminal'`;
      const { status, stdout } = await run('script', ['-qec', command, '/dev/null'], {
        ...as('client'),
        TERM: 'xterm',
      });
      assert.deepEqual([status, stdout.includes('terminal')], [0, true], program);
    }
    await daemon.removeContainers();
  });

  test('what skiff says of a certificate tells what to do', async () => {
    const words: Readonly<Record<string, RegExp>> = {
      bare: /does not accept this client: .*certificate required.*: give it a certificate with --tlscert and --tlskey/,
      expired: /does not accept this client: it closed the connection/,
      foreign: /does not accept this client: it closed the connection/,
      mistrusting: /the daemon at tcp:\/\/127\.0\.0\.1:\d+ is not trusted: .*--tlscacert/,
    };
    for (const [who, expected] of Object.entries(words)) {
      assert.match((await run(`${BIN}/skiff`, ['ps'], as(who))).stderr, expected, who);
    }
  });

  test('a context with certificates, and one through ssh', async () => {
    const config = `${folder}/config`;
    const env = { DOCKER_CONFIG: config };
    const skiff = (...args: string[]): Promise<Said> =>
      run(`${BIN}/skiff`, args, { ...env, PATH: `${folder}/bin:${process.env['PATH']}` });
    const own = ['ca', 'cert', 'key'].map((key) => `${key}=${folder}/client/${key}.pem`).join(',');
    assert.equal((await skiff('context', 'create', 'far', '--docker', `host=${host},${own}`)).status, 0);
    assert.equal((await skiff('--context', 'far', 'version', '-f', '{{.Server.Os}}')).stdout, 'linux\n');
    assert.equal((await skiff('context', 'use', 'far')).status, 0);
    assert.equal((await skiff('run', '--rm', 'busybox', 'echo', 'hello')).stdout, 'hello\n');
    // A stand-in for ssh: the machine on the other side is this one.
    mkdirSync(`${folder}/bin`);
    const notes = `${folder}/ssh-arguments`;
    const script = `#!/bin/sh\necho "$@" >> ${notes}\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nPATH=${BIN}:$PATH exec sh -c "$1"\n`;
    writeFileSync(`${folder}/bin/ssh`, script);
    chmodSync(`${folder}/bin/ssh`, 0o755);
    const ssh = `ssh://me@far:2222${daemon.socket}`;
    assert.equal((await skiff('context', 'create', 'by-ssh', '--docker', `host=${ssh}`)).status, 0);
    const ran = await skiff('-c', 'by-ssh', 'run', '--rm', '-i', 'busybox', 'sh', '-c', 'echo through; exit 5');
    assert.deepEqual([ran.status, ran.stdout], [5, 'through\n']);
    assert.match(readFileSync(notes, 'utf8'), /^-l me -p 2222 -o ConnectTimeout=30 -T -- far sh -c /);
    writeFileSync(`${folder}/bin/ssh`, '#!/bin/sh\necho "far: no route" >&2\nexit 255\n');
    const broken = await skiff('-c', 'by-ssh', 'ps');
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /ssh to far ended with exit code 255: far: no route: try 'ssh far'/);
  });

  test('a certificate that takes the place of another is shown after SIGHUP, one that is no good is not', async () => {
    const other = new Daemon();
    const files = `${folder}/renewed`;
    mkdirSync(files);
    const put = (name: string, key = name): void => {
      writeFileSync(`${files}/cert.pem`, readFileSync(`${folder}/${name}/cert.pem`));
      writeFileSync(`${files}/key.pem`, readFileSync(`${folder}/${key}/key.pem`));
    };
    try {
      put('server');
      await other.start('--tls', `--tlscert=${files}/cert.pem`, `--tlskey=${files}/key.pem`, '-H', 'tcp://127.0.0.1:0');
      const port = Number(portOf(other.output));
      assert.equal(await shownAt(port), 'server');
      put('client');
      assert.equal(await shownAt(port), 'server', 'not before it is asked to');
      const again = async (count: number): Promise<void> => {
        process.kill(other.pid, 'SIGHUP');
        await eventually('it was read', () => other.output.split('configuration was read again').length === count + 1);
      };
      await again(1);
      assert.equal(await shownAt(port), 'client');
      put('server', 'client');
      await again(2);
      const refusal = /a certificate could not be read again; the old one stays.*key values mismatch/;
      await eventually('it is told', () => refusal.test(other.output));
      assert.equal(await shownAt(port), 'client');
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  test('dial-stdio joins what a client says with the daemon', async () => {
    const request = 'GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const { status, stdout } = await run(`${BIN}/skiff`, ['-H', plain, 'system', 'dial-stdio'], {}, request);
    assert.equal(status, 0);
    assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nOK$/);
  });

  test('TCP without TLS is warned of loudly, and certificates that are not there are named', async () => {
    const other = new Daemon();
    try {
      const vain = await other.startInVain('--tlsverify', '--tlscacert=/none/ca.pem', '-H', 'tcp://127.0.0.1:0');
      assert.match(vain.output, /could not load the certificate [^ ]+: ENOENT/);
      const swapped = ['--tls', `--tlscert=${folder}/client/cert.pem`, `--tlskey=${folder}/server/key.pem`];
      assert.match(
        (await other.startInVain(...swapped, '-H', 'tcp://127.0.0.1:0')).output,
        /could not load the certificate .*key values mismatch/,
      );
      await other.start('-H', 'tcp://127.0.0.1:0');
      assert.match(
        other.output,
        /level=warn msg="Binding to IP address without --tlsverify is insecure and gives root access/,
      );
      const answer = await fetch(`http://127.0.0.1:${portOf(other.output)}/_ping`);
      assert.equal(await answer.text(), 'OK');
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  test('sockets of a supervisor are taken over', { skip: missing('systemd-socket-activate') }, async () => {
    const path = `${folder}/handed.sock`;
    const port = await freePort();
    const state = `${folder}/activated`;
    const environment = ['PATH', 'SKIFF_SOURCE'].filter((name) => process.env[name] !== undefined);
    const child = spawn('systemd-socket-activate', [
      ...environment.flatMap((name) => ['-E', name]),
      ...['-l', path, '-l', `127.0.0.1:${port}`],
      ...[`${BIN}/skiffd`, '--data-root', `${state}/data`, '--exec-root', `${state}/exec`],
      ...['--cgroup-parent', `/${testCgroup('activated')}`, '-H', 'fd://'],
    ]);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      await eventually('it waits', () => said.split('Listening on').length === 3, 15_000);
      // The first connection is what starts the daemon, and waits for it.
      for (const where of [`unix://${path}`, `tcp://127.0.0.1:${port}`]) {
        const { stdout, stderr } = await run(`${BIN}/skiff`, ['-H', where, 'info', '-f', '{{.OSType}}']);
        assert.equal(stdout, 'linux\n', stderr);
      }
      assert.match(said, /API listen on fd:\/\/3\nAPI listen on fd:\/\/4\n/);
      assert.match(said, /without --tlsverify is insecure.* host=fd:\/\/4/);
      assert.equal(said.match(/is insecure/g)?.length, 1, 'a unix socket is no network');
    } finally {
      child.kill('SIGTERM');
      await eventually('it ends', () => child.exitCode !== null || child.signalCode !== null, 15_000);
    }
    assert.equal(child.exitCode, 0);
    const other = new Daemon();
    try {
      const none = await other.startInVain('-H', 'fd://');
      assert.match(none.output, /cannot listen on fd:\/\/\*: no socket was handed over/);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

/** The name in the certificate a daemon shows. */
async function shownAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
