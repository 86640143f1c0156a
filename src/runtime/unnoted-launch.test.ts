import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { BytesWriter } from '#base';
import { settleLaunch } from './unnoted-launch.ts';

const [STARTED, EXIT, STATUS, DONE] = [2, 4, 7, 8];
const [CREATED_STATE, RUNNING_STATE] = [1, 2];
const KILL_COMMAND = 2;
const PID = '42 4711\n';

function useFolder(files: Readonly<Record<string, string>>): string & Disposable {
  const folder = mkdtempSync('/tmp/skiff-unnoted-');
  for (const [name, content] of Object.entries(files)) writeFileSync(`${folder}/${name}`, content);
  if ('pid' in files) utimesSync(`${folder}/pid`, 1000, 1000);
  return Object.assign(folder, { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) });
}

const event = (type: number, ...numbers: readonly (number | bigint)[]): Buffer => {
  const writer = new BytesWriter(64).u32(0).u16(type).u16(0).u64(1n);
  for (const number of numbers) {
    if (typeof number === 'bigint') writer.u64(number);
    else writer.u32(number);
  }
  writer.patchU32(0, writer.length - 4);
  return writer.done();
};
const started = (): Buffer => event(STARTED, 42, 4711n);

/** A shim in this state; `killed` is what it says when it is told to kill its process. */
async function useShim(folder: string, state: number, killed: readonly Buffer[] = []): Promise<AsyncDisposable> {
  const server = createServer((socket: Socket) => {
    // Each message is answered before the next one comes.
    socket.once('data', () => {
      socket.write(Buffer.alloc(4));
      socket.on('data', (request: Buffer) => {
        if (request.readUInt16LE(4) === KILL_COMMAND) {
          const answers = [event(DONE, request.readUInt32LE(8), 0), ...killed, event(EXIT, 9, 5n, 0)];
          socket.end(Buffer.concat(answers));
        } else {
          socket.write(event(STATUS, state, 42, 4711n, 0, 0n, 0));
        }
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(`${folder}/shim.sock`, resolve));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

test('without a shim, what has ended was there; anything else never began', async () => {
  for (const [files, isBegun] of [
    [{}, false],
    [{ pid: PID }, false],
    [{ exit: '9 5 0\n' }, false],
    [{ pid: PID, exit: '9 5 ' }, false],
    [{ pid: PID, exit: '256 5 0\n' }, true],
  ] as const) {
    using folder = useFolder(files);
    const found = await settleLaunch(String(folder));
    const expected = isBegun ? { pid: 42, startTime: 4711n, startedAtNs: 1_000_000_000_000n } : undefined;
    assert.deepEqual(found, expected, JSON.stringify(files));
  }
});

test('a socket whose shim is gone is none', async () => {
  using folder = useFolder({ pid: PID, 'shim.sock': '' });
  assert.equal(await settleLaunch(String(folder)), undefined);
});

test('one that runs is found, unless who made it knows that its program has not begun', async () => {
  using folder = useFolder({ pid: PID });
  await using _ = await useShim(String(folder), RUNNING_STATE);
  const found = await settleLaunch(String(folder));
  assert.deepEqual(found, { pid: 42, startTime: 4711n, startedAtNs: 1_000_000_000_000n });
  assert.equal(await settleLaunch(String(folder), () => Promise.resolve(false)), undefined);
  assert.equal(existsSync(`${folder}/pid`), false, 'its end will not be taken for the end of a run');
});

test('one that is held is ended; one that was let go before has begun', async () => {
  for (const [killed, isBegun] of [
    [[], false],
    [[started()], true],
  ] as const) {
    using folder = useFolder({ pid: PID });
    await using _ = await useShim(String(folder), CREATED_STATE, killed);
    const found = await settleLaunch(String(folder));
    assert.deepEqual(found, isBegun ? { pid: 42, startTime: 4711n, startedAtNs: 1_000_000_000_000n } : undefined);
    assert.equal(existsSync(`${folder}/pid`), false);
  }
});
