/** Clients come to a running container's streams and go again, several at once. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { collect, demultiplex } from '../support/http.ts';
import { missing } from '../support/needs.ts';

/** SKIFF_TEST_LATE_CLIENTS=40 takes a minute. */
const LATE_CLIENTS = Number(process.env['SKIFF_TEST_LATE_CLIENTS'] ?? 3);

describe('attach', { skip: missing('root', 'busybox'), timeout: 60_000 + 2000 * LATE_CLIENTS }, () => {
  const { containers, http } = useDaemon();

  const running = async (id: string): Promise<boolean> => (await containers.inspect(id)).State.Running;

  const reads = async (socket: Socket, text: string): Promise<void> => {
    let bytes = Buffer.alloc(0);
    const listener = (chunk: Buffer): void => void (bytes = Buffer.concat([bytes, chunk]));
    socket.on('data', listener);
    await eventually(`'${text}' arrives`, () => demultiplex(whole(bytes)).stdout.toString().includes(text));
    socket.off('data', listener);
  };

  test('every client gets all output from its coming on, and the end', async () => {
    const id = await containers.begin({
      Cmd: sh('i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo $i; sleep 0.01; done'),
    });
    const outputs = [collect(await containers.attach(id, 'stream=1&stdout=1'))];
    await pause(100);
    outputs.push(collect(await containers.attach(id, 'stream=1&stdout=1')));
    const [early, late] = (await Promise.all(outputs)).map((bytes) =>
      demultiplex(bytes).stdout.toString().trim().split('\n'),
    );
    assert.equal(early!.at(-1), '50');
    assert.deepEqual(late, early!.slice(early!.indexOf(late![0]!)), 'no line is missing or doubled');
    assert.ok(late.length < early!.length);
    await containers.remove(id);
  });

  test('a client that comes while the container is being started gets its output', async () => {
    for (let round = 0; round < 20; round++) {
      const id = await containers.create({ Cmd: sh('sleep 0.15; echo late') });
      const started = containers.start(id);
      await pause(round / 4);
      const bytes = await collect(await containers.attach(id, 'stream=1&stdout=1'));
      await started;
      assert.equal(demultiplex(bytes).stdout.toString(), 'late\n', `${round / 4} ms after its start was asked for`);
      await containers.remove(id);
    }
  });

  test('with logs=1 a client gets first what was written before', async () => {
    const id = await containers.begin({ Cmd: sh('echo before; sleep 0.4; echo after') });
    await eventually('the first line is logged', async () => (await containers.logs(id)).stdout === 'before\n');
    const bytes = await collect(await containers.attach(id, 'logs=1&stream=1&stdout=1'));
    assert.equal(demultiplex(bytes).stdout.toString(), 'before\nafter\n');
    const replay = await collect(await containers.attach(id, 'logs=1&stdout=1'));
    assert.equal(demultiplex(replay).stdout.toString(), 'before\nafter\n', 'without a stream it ends after the log');
    await containers.remove(id);
  });

  test('with logs=1 a line that is half written is there once and whole', async () => {
    const body = { Cmd: sh('echo first; printf half; read x; echo " whole"'), OpenStdin: true };
    const id = await containers.create(body);
    const witness = await containers.attach(id);
    let seen = '';
    witness.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
    await containers.start(id);
    await eventually('half a line is written', () => seen.endsWith('half'));
    const late = collect(await containers.attach(id, 'logs=1&stream=1&stdout=1'));
    witness.write('\n');
    assert.equal(demultiplex(await late).stdout.toString(), 'first\nhalf whole\n');
    witness.destroy();
    await containers.remove(id);
  });

  test('whenever a client comes with logs=1, it has every line once', async () => {
    const script = 'i=0; while [ ! -e /stop ]; do i=$((i + 1)); echo $i; printf "part of "; done; echo end';
    const log = { Type: 'json-file', Config: { 'max-size': '100k', 'max-file': '2', compress: 'true' } };
    for (const LogConfig of [{}, log]) {
      const id = await containers.begin({ Cmd: sh(script), HostConfig: { LogConfig } });
      const outputs: Promise<Buffer>[] = [];
      for (let client = 0; client < LATE_CLIENTS; client += 1) {
        outputs.push(collect(await containers.attach(id, 'logs=1&stream=1&stdout=1')));
        await pause(Math.random() * 40);
      }
      await containers.exec(id, { Cmd: ['touch', '/stop'] });
      for (const bytes of await Promise.all(outputs)) {
        const lines = demultiplex(bytes).stdout.toString().split('\n');
        assert.deepEqual(lines.slice(-2), ['part of end', '']);
        const numbers = lines.slice(0, -2).map((line) => Number(line.replace('part of ', '')));
        const wrong = numbers.findIndex((number, at) => at > 0 && number !== numbers[at - 1]! + 1);
        assert.equal(wrong, -1, `behind ${numbers[wrong - 1]} comes ${numbers[wrong]}`);
        if (LogConfig !== log) assert.equal(numbers[0], 1);
      }
      await containers.remove(id);
    }
  });

  test('a client chooses its streams', async () => {
    const id = await containers.create({ Cmd: sh('echo out; echo err >&2') });
    const [out, err] = await Promise.all(
      ['stream=1&stdout=1', 'stream=1&stderr=1'].map((query) => containers.attach(id, query)),
    );
    const both = [collect(out!), collect(err!)];
    await containers.start(id);
    const [first, second] = (await Promise.all(both)).map(demultiplex);
    assert.deepEqual([first!.stdout.toString(), first!.stderr.length], ['out\n', 0]);
    assert.deepEqual([second!.stderr.toString(), second!.stdout.length], ['err\n', 0]);
    await containers.remove(id);
  });

  test('with STDIN_ONCE the end of the first client’s input is the program’s', async () => {
    const id = await containers.create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const socket = await containers.attach(id);
    const output = collect(socket);
    await containers.start(id);
    socket.end('line\n');
    assert.equal(demultiplex(await output).stdout.toString(), 'line\n');
    assert.equal(await containers.wait(id), 0);
    await containers.remove(id);
  });

  test('without it clients may come and go, each with its lines', async () => {
    const id = await containers.begin({ Cmd: ['cat'], OpenStdin: true });
    for (const text of ['first\n', 'second\n']) {
      const socket = await containers.attach(id);
      socket.write(text);
      await reads(socket, text);
      socket.end();
      await pause(50);
      socket.destroy();
      assert.equal(await running(id), true);
    }
    const [one, two] = await Promise.all([containers.attach(id), containers.attach(id)]);
    one.write('from one\n');
    await Promise.all([reads(one, 'from one\n'), reads(two, 'from one\n')]);
    for (const socket of [one, two]) socket.destroy();
    assert.equal((await containers.logs(id)).stdout, 'first\nsecond\nfrom one\n');
    await containers.remove(id);
  });

  test('a client that reads on after it has ended its input misses nothing', async () => {
    const id = await containers.create({
      Cmd: sh('cat > /dev/null; sleep 0.2; seq 1 100000'),
      OpenStdin: true,
      StdinOnce: true,
    });
    const socket = await containers.attach(id);
    await containers.start(id);
    socket.end('x'.repeat(100_000));
    const { stdout } = demultiplex(await collect(socket));
    assert.equal(stdout.toString(), Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join(''));
    await containers.remove(id);
  });

  test('input nobody reads costs no output', async () => {
    // The program ends long before the client has sent all; what it wrote last is still on its way then.
    for (let turn = 0; turn < 20; turn++) {
      const body = { Cmd: sh('head -c 5; seq 1 30000'), OpenStdin: true, StdinOnce: true, AttachStdin: true };
      const { code, stdout } = await containers.run(body, 'input'.repeat(1_000_000));
      assert.equal(code, 0);
      assert.equal(stdout, `input${Array.from({ length: 30_000 }, (_, index) => `${index + 1}\n`).join('')}`);
    }
  });

  test('a container without stdin reads nothing, whatever a client sends', async () => {
    const id = await containers.create({ Cmd: sh('read x; echo "got $x"') });
    const socket = await containers.attach(id);
    const output = collect(socket);
    await containers.start(id);
    socket.write('text\n');
    assert.equal(demultiplex(await output).stdout.toString(), 'got \n');
    socket.destroy();
    await containers.remove(id);
  });

  test('attaching to what is not there, or is paused, is refused; a start that fails lets waiting clients go', async () => {
    await assert.rejects(containers.attach('nothing'), { status: 404 });
    const paused = await containers.begin({ Cmd: ['sleep', '100'] });
    await http.call('POST', `/containers/${paused}/pause`);
    await assert.rejects(containers.attach(paused), { status: 409 });
    const broken = await containers.create({ Cmd: ['no-such'] });
    const output = collect(await containers.attach(broken));
    await assert.rejects(containers.start(broken), { status: 400 });
    assert.equal((await output).length, 0);
    for (const id of [paused, broken]) await containers.remove(id);
  });

  test('a client that attaches while the container starts is connected', async () => {
    const ids = await Promise.all(
      Array.from({ length: 40 }, () => containers.create({ Cmd: sh('read x; echo end'), OpenStdin: true })),
    );
    await Promise.all(
      ids.map(async (id, index) => {
        const started = containers.start(id);
        await pause(index);
        const socket = await containers.attach(id);
        const output = collect(socket);
        await started;
        // It waits, however long all this takes on a busy machine.
        socket.write('\n');
        assert.equal(demultiplex(await output).stdout.toString(), 'end\n');
        await containers.remove(id);
      }),
    );
  });

  test('a client that attached to what is removed before its start is let go', async () => {
    const id = await containers.create({ Cmd: ['true'] });
    const output = collect(await containers.attach(id));
    await containers.remove(id);
    assert.equal((await output).length, 0);
  });
});

/** As much of a stream as makes whole frames. */
function whole(bytes: Buffer): Buffer {
  let at = 0;
  while (at + 8 <= bytes.length && at + 8 + bytes.readUInt32BE(at + 4) <= bytes.length)
    at += 8 + bytes.readUInt32BE(at + 4);
  return bytes.subarray(0, at);
}
