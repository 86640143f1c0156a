/** Log drivers that send lines elsewhere: what arrives, what is refused, and what a server that is away costs. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodeMessagePack, encodeMessagePack } from '#wire';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

describe('log drivers', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;
  const closing: (() => void)[] = [];
  after(() => {
    for (const close of closing) close();
  });

  const withLog = (type: string, config: Record<string, string>, script: string, more: object = {}) => ({
    Cmd: sh(script),
    ...more,
    HostConfig: { LogConfig: { Type: type, Config: config } },
  });
  const logs = async (id: string, query = ''): Promise<string> => {
    const { text } = await http.call('GET', `/containers/${id}/logs?stdout=1&stderr=1${query}`);
    return text.replace(/[\x01\x02]\0\0\0[^]{4}/g, '');
  };
  /** A server of streams that keeps what comes, and perhaps answers. */
  const listen = async (answer: (socket: Socket, chunk: Buffer) => void = () => {}, port = 0) => {
    const chunks: Buffer[] = [];
    const server: Server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        answer(socket, chunk);
      });
      server.once('close', () => socket.destroy());
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const address = server.address() as { port: number };
    return { server, port: address.port, received: () => Buffer.concat(chunks) };
  };
  const listenUdp = async () => {
    const messages: Buffer[] = [];
    const socket = createSocket('udp4').on('message', (message) => messages.push(message));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    closing.push(() => socket.close());
    return { port: socket.address().port, messages };
  };

  test('syslog over UDP and TCP, in its formats, with facility, tag and priority of the stream', async () => {
    const udp = await listenUdp();
    const id = await containers.begin(
      withLog(
        'syslog',
        { 'syslog-address': `udp://127.0.0.1:${udp.port}`, tag: '{{.Name}}/{{.ID}}' },
        'echo out; echo err >&2',
      ),
      'sysudp',
    );
    await eventually('both lines', () => udp.messages.length === 2);
    const lines = udp.messages.map(String).sort();
    // daemon (3) with err (3) and info (6)
    assert.match(
      lines[0]!,
      new RegExp(`^<27>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d sysudp/${id.slice(0, 12)}\\[\\d+\\]: err\\n$`),
    );
    assert.match(lines[1]!, /^<30>.*: out\n$/);
    assert.equal((await logs(id)).split('\n').sort().join(), ',err,out');
    await containers.remove(id);

    const tcp = await listen();
    const options = {
      'syslog-address': `tcp://127.0.0.1:${tcp.port}`,
      'syslog-facility': 'local0',
      'syslog-format': 'rfc5424micro',
    };
    const other = await containers.begin(withLog('syslog', options, 'echo one; echo two'));
    await eventually('both lines', () => tcp.received().toString().split('\n').length === 3);
    const tag = other.slice(0, 12);
    assert.match(
      tcp.received().toString(),
      new RegExp(`^<134>1 \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}\\.\\d{6}Z \\S+ ${tag} \\d+ ${tag} - one\n<134>1 .* two\n$`),
    );
    await containers.remove(other);
  });

  test('syslog to a unix socket of datagrams', { skip: missing('python3') }, async () => {
    const path = `${daemon.folder}/syslog`;
    const script = `import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(${JSON.stringify(path)})\nprint("ready",flush=True)\nwhile True: print(s.recv(65536).decode(),flush=True)`;
    const child: ChildProcess = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    closing.push(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually('it listens', () => output.includes('ready'));
    const id = await containers.begin(
      withLog('syslog', { 'syslog-address': `unixgram://${path}` }, 'echo "ünï"; echo two'),
    );
    await eventually('both lines', () => /ünï\n[^]*two/.test(output));
    await containers.remove(id);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });

  test('gelf over UDP: fields, labels and variables; long lines in chunks; over TCP with a NUL behind each', async () => {
    const udp = await listenUdp();
    const config = { 'gelf-address': `udp://127.0.0.1:${udp.port}`, labels: 'role', 'env-regex': '^APP_' };
    const more = { Labels: { role: 'db', other: 'x' }, Env: ['APP_MODE=fast', 'HOME_=y'] };
    const id = await containers.begin(withLog('gelf', config, 'echo hello >&2', more), 'gelfer');
    await eventually('the line', () => udp.messages.length === 1);
    const { timestamp, _created, host, _image_id, ...message } = JSON.parse(
      gunzipSync(udp.messages[0]!).toString(),
    ) as Record<string, unknown>;
    assert.deepEqual(message, {
      version: '1.1',
      short_message: 'hello',
      level: 3,
      _container_id: id,
      _container_name: 'gelfer',
      _image_name: 'busybox',
      _command: 'sh -c echo hello >&2',
      _tag: id.slice(0, 12),
      _role: 'db',
      _APP_MODE: 'fast',
    });
    assert.ok(typeof timestamp === 'number' && Math.abs(Date.now() / 1000 - timestamp) < 60);
    assert.match(`${String(_created)} ${String(host)} ${String(_image_id)}`, /^\d{4}-.* \S+ sha256:/);
    await containers.remove(id);

    udp.messages.length = 0;
    const long = { ...config, 'gelf-compression-type': 'none' };
    const second = await containers.begin(withLog('gelf', long, "head -c 5000 /dev/zero | tr '\\0' x; echo"));
    await eventually('all chunks', () => udp.messages.length > 1 && udp.messages.length === udp.messages[0]![11]);
    const whole = Buffer.concat(udp.messages.map((part) => part.subarray(12))).toString();
    assert.equal((JSON.parse(whole) as { short_message: string }).short_message, 'x'.repeat(5000));
    await containers.remove(second);

    const tcp = await listen();
    const third = await containers.begin(
      withLog('gelf', { 'gelf-address': `tcp://127.0.0.1:${tcp.port}` }, 'echo a; echo b'),
    );
    await eventually('both', () => tcp.received().filter((byte) => byte === 0).length === 2);
    const texts = tcp
      .received()
      .toString()
      .split('\0')
      .slice(0, 2)
      .map((text) => (JSON.parse(text) as { short_message: string }).short_message);
    assert.deepEqual(texts, ['a', 'b']);
    await containers.remove(third);
  });

  test('fluentd: messages, acknowledged where that was asked for', async () => {
    const fluentd = await listen((socket, chunk) => {
      for (let rest = chunk; rest.length > 0; ) {
        const found = decodeMessagePack(rest)!;
        const [, , , option] = found.value as [string, number, object, { chunk: string } | null];
        if (option) socket.write(encodeMessagePack({ ack: option.chunk }));
        rest = rest.subarray(found.length);
      }
    });
    for (const ack of ['false', 'true']) {
      const before = fluentd.received().length;
      const config = {
        'fluentd-address': `127.0.0.1:${fluentd.port}`,
        'fluentd-request-ack': ack,
        tag: 'docker.{{.Name}}',
      };
      const id = await containers.begin(withLog('fluentd', config, 'echo hi'), `fluent-${ack}`);
      await eventually('the message', () => fluentd.received().length > before);
      const message = decodeMessagePack(fluentd.received().subarray(before))!.value as [
        string,
        number,
        object,
        unknown,
      ];
      assert.deepEqual(message.slice(0, 1), [`docker.fluent-${ack}`]);
      assert.deepEqual(message[2], { container_id: id, container_name: `/fluent-${ack}`, source: 'stdout', log: 'hi' });
      assert.equal(message[3] === null, ack === 'false');
      await containers.remove(id);
    }
  });

  test('a server that is away: a start is refused; one that goes later loses nothing, a daemon that is killed neither', async () => {
    const gone = await listen();
    gone.server.close();
    const config = { 'syslog-address': `tcp://127.0.0.1:${gone.port}` };
    const id = await containers.create(
      withLog('syslog', config, 'i=0; while read line; do i=$((i+1)); echo "line $i"; done', { OpenStdin: true }),
    );
    const refused = await http.send('POST', `/containers/${id}/start`);
    assert.equal(refused.status, 500);
    assert.match(
      refused.text,
      new RegExp(`failed to initialize logging driver: dial tcp://127.0.0.1:${gone.port}: .*ECONNREFUSED`),
    );

    const first = await listen(undefined, gone.port);
    await containers.start(id);
    const write = async (): Promise<void> => {
      const socket = await containers.attach(id, 'stream=1&stdin=1');
      socket.write('x\n');
      await eventually('it is in the log', async () => (await logs(id)).split('\n').length > lines);
      lines += 1;
      socket.destroy();
    };
    let lines = 1;
    await write();
    await eventually('line 1', () => first.received().includes('line 1'));
    first.server.close();
    await write();
    await write();
    await daemon.end('SIGKILL');
    const second = await listen(undefined, gone.port);
    await daemon.start();
    await write();
    await eventually('the rest', () => second.received().includes('line 4'), 10_000);
    for (const line of ['line 2', 'line 3', 'line 4']) assert.ok(second.received().includes(line), line);
    await containers.remove(id);
  });

  test('options: kept with the lines of json-file, shown by inspect, refused where they make no sense', async () => {
    const config = { labels: 'role', env: 'MODE', tag: '{{.ImageName}}' };
    const id = await containers.begin(
      withLog('json-file', config, 'echo hi', { Labels: { role: 'a b' }, Env: ['MODE=1'] }),
    );
    await containers.wait(id);
    assert.equal(await logs(id, '&details=1'), 'MODE=1,role=a%20b,tag=busybox hi\n');
    await containers.remove(id);

    const local = await containers.begin(withLog('local', { 'max-size': '1m' }, 'echo hi'));
    await containers.wait(local);
    assert.equal(await logs(local), 'hi\n');
    const { HostConfig, LogPath } = (await http.call('GET', `/containers/${local}/json`)).json<{
      HostConfig: { LogConfig: object };
      LogPath: string;
    }>();
    assert.deepEqual([HostConfig.LogConfig, LogPath], [{ Type: 'local', Config: { 'max-size': '1m' } }, '']);
    await containers.remove(local);

    const udp = await listenUdp();
    const hidden = { 'syslog-address': `udp://127.0.0.1:${udp.port}`, 'cache-disabled': 'true' };
    const unread = await containers.begin(withLog('syslog', hidden, 'echo hi'));
    await eventually('the line', () => udp.messages.length === 1);
    assert.match((await http.send('GET', `/containers/${unread}/logs?stdout=1`)).text, /does not support reading/);
    await containers.remove(unread);

    for (const [type, options, words] of [
      ['splunk', {}, /no log driver named 'splunk' is registered/],
      ['json-file', { 'max-color': 'red' }, /unknown log opt 'max-color' for json-file log driver/],
      ['json-file', { compress: 'true', 'max-file': '1' }, /compress cannot be true when max-file is less than 2/],
      ['local', { compress: 'true', 'max-file': '1' }, /compression cannot be enabled when max file count is 1/],
      ['local', { compress: 'maybe' }, /'compress' is 'maybe'/],
      ['json-file', { tag: '{{.Nmae}}' }, /no field \{\{\.Nmae\}\}/],
      ['json-file', { mode: 'fast' }, /logging mode not supported: fast/],
      ['json-file', { 'max-buffer-size': '1m' }, /only supported with 'mode=non-blocking'/],
      ['syslog', { 'syslog-address': 'carrier-pigeon://x' }, /syslog-address should be in form proto:\/\/address/],
      ['syslog', { 'syslog-facility': 'local9' }, /invalid syslog facility: local9/],
      ['gelf', {}, /gelf-address should be/],
      ['gelf', { 'gelf-address': 'udp://h:1', 'gelf-compression-level': '10' }, /invalid compression level/],
      ['fluentd', { 'fluentd-buffer-limit': '1m' }, /fluentd-buffer-limit.*cache-max-size/],
      ['fluentd', { 'fluentd-address': 'udp://h:1' }, /invalid fluentd-address/],
    ] as const) {
      const { status, text } = await http.send('POST', '/containers/create', {
        Image: 'busybox',
        ...withLog(type, options, 'true'),
      });
      assert.equal(status, 400, text);
      assert.match(text, words);
    }
  });
});
