/** Terminals through the API: signals typed by hand, sizes, exit codes, detaching clients. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Body, sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_BACKSLASH = '\x1c';

/** What a terminal has shown so far. */
class Screen {
  raw = '';
  ended = false;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => (this.raw += chunk.toString()));
    socket.once('end', () => (this.ended = true));
  }

  /** Without what shells say to the terminal itself. */
  get text(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one.
    return this.raw.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
  }

  type(keys: string): void {
    this.#socket.write(keys);
  }

  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    try {
      return await eventually(`the screen shows ${pattern}`, () => pattern.exec(this.text) ?? undefined, 5000);
    } catch (error) {
      throw new Error(`${String(error)}; it shows:\n${this.text}`, { cause: error });
    }
  }

  async end(): Promise<void> {
    await eventually('the stream ends', () => this.ended);
    this.#socket.destroy();
  }
}

describe('terminals', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const { containers, http } = useDaemon();

  const open = async (body: Body): Promise<{ id: string; screen: Screen }> => {
    const id = await containers.create({ Tty: true, OpenStdin: true, AttachStdin: true, AttachStdout: true, ...body });
    const screen = new Screen(await containers.attach(id));
    await containers.start(id);
    return { id, screen };
  };

  const openExec = async (
    id: string,
    Cmd: readonly string[],
    more: object = {},
  ): Promise<{ execId: string; screen: Screen }> => {
    const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
    const execId = await containers.createExec(id, { Cmd, Tty: true, ...streams, ...more });
    const socket = await http.hijack(`/exec/${execId}/start`, { Detach: false, Tty: true });
    return { execId, screen: new Screen(socket) };
  };

  test('a shell on a terminal: echo, prompt, job control, exit code', async () => {
    const { id, screen } = await open({ Cmd: ['sh'] });
    await screen.shows(/# $/);
    screen.type('tty; echo $((40+2))\n');
    await screen.shows(/\/dev\/pts\/0\r\n42\r\n/);
    assert.doesNotMatch(screen.text, /job control turned off|can't access tty/);
    screen.type('exit 5\n');
    assert.equal(await containers.wait(id), 5);
    await screen.end();
    await containers.remove(id);
  });

  test('Ctrl-C interrupts the program in front, Ctrl-D ends the input, Ctrl-\\ quits', async () => {
    const { id, screen } = await open({ Cmd: ['sh'] });
    await screen.shows(/# $/);
    screen.type('sleep 1000\n');
    await screen.shows(/sleep 1000\r\n/);
    await eventually('sleep runs', async () => (await containers.exec(id, { Cmd: sh('pidof sleep') })).code === 0);
    screen.type(CTRL_C);
    screen.type('echo code $?\n');
    await screen.shows(/\ncode 130\r\n/);
    // The shell takes the terminal over while it reads: what is typed before it lets go is the shell's.
    screen.type('echo reads; cat\n');
    await screen.shows(/\nreads\r\n/);
    screen.type('line\n');
    await screen.shows(/line\r\nline\r\n/);
    screen.type(CTRL_D);
    screen.type('echo after cat\n');
    await screen.shows(/\nafter cat\r\n/);
    screen.type(CTRL_D);
    await containers.wait(id);
    await screen.end();
    await containers.remove(id);
  });

  test('Ctrl-C to a program that is not a shell ends the container with 130, Ctrl-\\ with 131', async () => {
    for (const [keys, code] of [
      [CTRL_C, 130],
      [CTRL_BACKSLASH, 131],
    ] as const) {
      // Under an init: the kernel spares a pid 1 without a handler.
      const { id, screen } = await open({ Cmd: sh('echo ready; exec sleep 1000'), HostConfig: { Init: true } });
      await screen.shows(/ready/);
      screen.type(keys);
      assert.equal(await containers.wait(id), code);
      await screen.end();
      await containers.remove(id);
    }
  });

  test('a new size is seen by the program, which gets SIGWINCH', async () => {
    const { id, screen } = await open({
      Cmd: sh('trap "stty size" WINCH; stty size; echo ready; while :; do sleep 0.02; done'),
    });
    await screen.shows(/ready/);
    await http.call('POST', `/containers/${id}/resize?h=33&w=99`);
    await screen.shows(/33 99\r\n/);
    await http.call('POST', `/containers/${id}/resize?h=10&w=200`);
    await screen.shows(/10 200\r\n/);
    assert.equal((await http.send('POST', `/containers/${id}/resize?h=x&w=1`)).status, 400);
    await containers.remove(id);
  });

  test('the first size can be given when it is created', async () => {
    const { id, screen } = await open({ Cmd: sh('stty size'), HostConfig: { ConsoleSize: [40, 120] } });
    await screen.shows(/^40 120\r\n/);
    await containers.wait(id);
    await containers.remove(id);
  });

  test('exec on a terminal: its own pts, size, Ctrl-C and exit code', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const { execId, screen } = await openExec(id, ['sh'], { ConsoleSize: [20, 70] });
    await screen.shows(/# $/);
    screen.type('stty size; tty; echo $TERM\n');
    await screen.shows(/20 70\r\n\/dev\/pts\/\d\r\nxterm\r\n/);
    await http.call('POST', `/exec/${execId}/resize?h=50&w=132`);
    screen.type('stty size\n');
    await screen.shows(/50 132\r\n/);
    screen.type('sleep 1000\n');
    await screen.shows(/sleep 1000\r\n$/);
    await eventually(
      'sleep runs',
      async () => (await containers.exec(id, { Cmd: sh('pidof sleep | grep -q " "') })).code === 0,
    );
    screen.type(CTRL_C);
    screen.type('exit $?\n');
    assert.equal(await containers.execExit(execId), 130);
    await screen.end();
    assert.equal((await containers.inspect(id)).State.Running, true);
    const late = await containers.createExec(id, {
      Cmd: ['stty', 'size'],
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
    });
    const body = { Detach: false, Tty: true, ConsoleSize: [21, 71] };
    await new Screen(await http.hijack(`/exec/${late}/start`, body)).shows(/^21 71\r\n/);
    await containers.remove(id);
  });

  test('a client that goes away leaves the program running, and another takes its place', async () => {
    const { id, screen } = await open({ Cmd: ['sh'] });
    await screen.shows(/# $/);
    screen.type('x=kept\n');
    await screen.shows(/x=kept\r\n.*# $/s);
    const second = await containers.attach(id);
    second.destroy();
    const third = new Screen(await containers.attach(id));
    third.type('echo $x\n');
    await third.shows(/\nkept\r\n/);
    await screen.shows(/\nkept\r\n/);
    third.type('exit 0\n');
    assert.equal(await containers.wait(id), 0);
    await Promise.all([screen.end(), third.end()]);
    await containers.remove(id);
  });

  test('much output through a terminal arrives whole', async () => {
    const { stdout, code } = await containers.run({ Cmd: sh('stty -onlcr; seq 1 200000'), Tty: true });
    assert.equal(code, 0);
    assert.equal(stdout, Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join(''));
  });

  test('much input through a terminal arrives whole', async () => {
    const { id, screen } = await open({ Cmd: sh('stty raw -echo; echo ready; head -c 300000 | sha256sum') });
    await screen.shows(/ready/);
    screen.type('0123456789'.repeat(30_000));
    const { createHash } = await import('node:crypto');
    const wanted = createHash('sha256').update('0123456789'.repeat(30_000)).digest('hex');
    await screen.shows(new RegExp(wanted));
    assert.equal(await containers.wait(id), 0);
    await containers.remove(id);
  });
});
