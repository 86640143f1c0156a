/** Talks to a running shim over its socket: attach to the streams, control the process. Protocol: native/README.md, "Shim". */
import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { BytesWriter, SkiffError } from '#base';
import {
  attachFlags,
  connectionKind,
  controlType,
  FrameSplitter,
  HELLO_MAGIC,
  type HelperEvent,
  readEvent,
} from '#linux';

/** Socket addresses hold 108 bytes; a longer path goes through the descriptor of its folder. */
const LONGEST_SOCKET_PATH = 107;

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Output as it is (terminals) instead of Docker's multiplexed frames. */
  readonly raw: boolean;
  /** The end of this client's input is the end of the container's. */
  readonly closeStdin: boolean;
}

/** What the connection does besides. */
export interface AttachEffect {
  /** A held process runs its program from here on. Refused where none is held. */
  readonly release: boolean;
}

/**
 * A connection that carries the container's output to us and our bytes to its stdin.
 * Ends when the output has ended; with `release` perhaps before the caller listens (`readableEnded`). Throws `unavailable` when there is no shim.
 *
 * `dialed`: made by `dialShim` before it was known what it would be for.
 */
export async function attachToShim(
  runDirectory: string,
  options: AttachOptions,
  effect: AttachEffect = { release: false },
  dialed: Promise<Socket> = dialShim(runDirectory),
): Promise<Socket> {
  const socket = await dialed;
  try {
    await hello(socket, connectionKind.attach, flagsOf(options) | (effect.release ? attachFlags.release : 0));
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Where in the log the stream of a client goes on. */
export interface LogMark {
  /** Of the file that was the current one. kernel: once it has been dropped another may have the number. */
  readonly inode: bigint;
  readonly size: number;
  /** When that was. */
  readonly timeNs: bigint;
}

/**
 * The same, for a client that reads the log first: to the mark, and not a byte is missing or there twice. Undefined with a shim
 * of an older version, which knows no marks.
 */
export async function attachMarked(
  runDirectory: string,
  options: AttachOptions,
): Promise<{ readonly socket: Socket; readonly mark: LogMark } | undefined> {
  const socket = await dialShim(runDirectory);
  try {
    const answer = await hello(socket, connectionKind.attachMarked, flagsOf(options), 24);
    const [inode, size, timeNs] = [0, 8, 16].map((at) => answer.readBigUInt64LE(at));
    return { socket, mark: { inode: inode!, size: Number(size), timeNs: timeNs! } };
  } catch {
    socket.destroy();
    return undefined;
  }
}

const flagsOf = (options: AttachOptions): number =>
  (options.stdin ? attachFlags.stdin : 0) |
  (options.stdout ? attachFlags.stdout : 0) |
  (options.stderr ? attachFlags.stderr : 0) |
  (options.raw ? attachFlags.raw : 0) |
  (options.closeStdin ? attachFlags.closeStdin : 0);

export interface ShimControl extends Disposable {
  /** Asks for the state; answered by a `status` event on the listener and as the result. */
  status(): Promise<Extract<HelperEvent, { type: 'status' }>>;
  signal(number: number): Promise<void>;
  resize(rows: number, columns: number): Promise<void>;
  closeStdin(): Promise<void>;
  /** Lets a held container run its program. */
  release(): Promise<void>;
  rotateLog(): Promise<void>;
  putCompressedLog(inode: bigint, nonce: number): Promise<void>;
  /** Fulfilled when the shim has closed the connection. */
  readonly closed: Promise<void>;
}

/** Opens a control connection; all events of the shim go to the listener as long as it is open. */
export async function controlShim(runDirectory: string, listener: (event: HelperEvent) => void): Promise<ShimControl> {
  const socket = await dialShim(runDirectory);
  const control = new SocketControl(socket, listener);
  try {
    await hello(socket, connectionKind.control, 0);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  control.listen();
  return control;
}

class SocketControl implements ShimControl {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #listener: (event: HelperEvent) => void;
  readonly #answers = new Map<number, { resolve: (errno: number) => void; reject: (error: Error) => void }>();
  #statusWaiters: ((status: Extract<HelperEvent, { type: 'status' }>) => void)[] = [];
  #nextId = 1;

  constructor(socket: Socket, listener: (event: HelperEvent) => void) {
    this.#socket = socket;
    this.#listener = listener;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('error', () => {});
    // Half-open sockets stay until both ends have closed: the shim has nothing to hear from us after its end.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      for (const { reject } of this.#answers.values()) reject(gone());
      this.#answers.clear();
      resolve();
    });
  }

  listen(): void {
    const splitter = new FrameSplitter(1024 * 1024);
    this.#socket.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) this.#event(readEvent(frame).event);
    });
  }

  async status(): Promise<Extract<HelperEvent, { type: 'status' }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<HelperEvent, { type: 'status' }>>();
    this.#statusWaiters.push(resolve);
    this.#send(controlType.status, []);
    return Promise.race([promise, this.closed.then(() => Promise.reject(gone()))]);
  }

  signal(number: number): Promise<void> {
    return this.#command('signal', controlType.signal, [number]);
  }

  resize(rows: number, columns: number): Promise<void> {
    return this.#command('resize', controlType.resize, [rows, columns]);
  }

  closeStdin(): Promise<void> {
    return this.#command('close stdin of', controlType.closeStdin, []);
  }

  release(): Promise<void> {
    return this.#command('release', controlType.release, []);
  }

  rotateLog(): Promise<void> {
    return this.#command('rotate the log of', controlType.rotate, []);
  }

  putCompressedLog(inode: bigint, nonce: number): Promise<void> {
    const halves = [Number(inode & 0xffff_ffffn), Number(inode >> 32n), nonce, 0];
    return this.#command('put a compressed log file in place for', controlType.compressed, halves);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #event(event: HelperEvent): void {
    if (event.type === 'done') {
      this.#answers.get(event.id)?.resolve(event.errno);
      this.#answers.delete(event.id);
      return;
    }
    if (event.type === 'status') {
      for (const resolve of this.#statusWaiters.splice(0)) resolve(event);
    }
    this.#listener(event);
  }

  async #command(what: string, type: number, numbers: readonly number[]): Promise<void> {
    if (this.#socket.destroyed) throw gone();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#answers.set(this.#send(type, numbers), { resolve, reject });
    const errno = await promise;
    if (errno !== 0)
      throw new SkiffError('conflict', 'shim.refused', `cannot ${what} the container's process: errno ${errno}`);
  }

  #send(type: number, numbers: readonly number[]): number {
    const id = this.#nextId++;
    const writer = new BytesWriter(32)
      .u32(8 + numbers.length * 4)
      .u16(type)
      .u16(0)
      .u32(id);
    for (const number of numbers) writer.u32(number);
    this.#socket.write(writer.done());
    return id;
  }
}

const gone = (): SkiffError => new SkiffError('unavailable', 'shim.gone', "the container's shim is gone");

/** A connection over which nothing has been said. Throws `unavailable` when there is no shim. */
export async function dialShim(runDirectory: string): Promise<Socket> {
  const path = `${runDirectory}/shim.sock`;
  let folder: number | undefined;
  try {
    if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) folder = openSync(runDirectory, 'r');
    const socket = connect({
      path: folder === undefined ? path : `/proc/self/fd/${folder}/shim.sock`,
      allowHalfOpen: true,
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('connect', resolve);
    socket.once('error', reject);
    await promise;
    socket.off('error', reject);
    // The shim may go before it is asked anything; the next one to use the connection finds it closed.
    socket.on('error', () => {});
    return socket;
  } catch (error) {
    throw new SkiffError('unavailable', 'shim.gone', `cannot reach the container's shim at ${path}`, { cause: error });
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

/**
 * Says what the connection is and waits for the shim's answer, leaving later bytes unread in the socket. Gives what follows the
 * answer's errno, which is of this many bytes.
 */
async function hello(socket: Socket, kind: number, flags: number, bytes = 0): Promise<Buffer> {
  if (socket.closed || socket.destroyed) throw gone();
  socket.write(new BytesWriter(8).u32(HELLO_MAGIC).u8(kind).u8(flags).u16(0).done());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const onReadable = (): void => {
    const answer = socket.read(4 + bytes) as Buffer | null;
    if (answer === null) return;
    // At once: to read again, when the output has ended already, would use up an end nobody listens for yet.
    socket.off('readable', onReadable);
    const errno = answer.readUInt32LE(0);
    if (errno === 0 && answer.length === 4 + bytes) resolve(answer.subarray(4));
    else reject(new SkiffError('conflict', 'shim.refused', `the shim refused the connection: errno ${errno}`));
  };
  const onEnd = (): void => reject(gone());
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  socket.once('error', reject);
  try {
    return await promise;
  } finally {
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('error', reject);
  }
}
