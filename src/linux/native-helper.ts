/**
 * The native helper, and how it is started. The only file that spawns it.
 *
 * `Launcher` is the resident one: it performs plans on request and forks a shim per launch. `spawnUnpack` starts the
 * one that fills a folder, `spawnPack` the one that reads it, `runPlan` performs one plan with the caller's own standard streams.
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server } from 'node:net';
import { type ChildProcess, type ChildProcessByStdio, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { constants as osConstants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { BytesReader, BytesWriter, defineErrors, SyscallError } from '#base';
import { helperPath } from './helper-path.ts';
import { type HandleKind, type SentSocket, SentSockets, socketAddress } from './sent-sockets.ts';
import {
  exitCodeOf,
  FrameSplitter,
  type HelperEvent,
  PROTOCOL_VERSION,
  REPLY_BIT,
  readEvent,
  requestType,
  type ShimRecord,
  writeShimRecord,
} from './helper-protocol.ts';

const errors = defineErrors('helper', {
  ended: { kind: 'unavailable', message: (how: string) => `the native launcher has ended (${how})` },
  silentFolder: {
    kind: 'internal',
    message: (what: string, how: string) => `the native helper ended (${how}) without a word on 'folder ${what}'`,
  },
  silent: {
    kind: 'internal',
    message: (how: string) => `the native helper ended without saying what became of the plan (${how})`,
  },
});

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

export interface RunOutcome {
  /** 0, or the errno of the first operation that failed. */
  readonly errno: number;
  readonly index: number;
  readonly code: number;
  readonly detail: string;
}

export interface NetlinkOutcome {
  /** 0, or what the kernel refused the first message with that it refused. */
  readonly errno: number;
  /** All it answered. */
  readonly received: Buffer;
}

/** Receives the events of one launch. */
export type EventListener = (event: HelperEvent) => void;

export interface Launch {
  /** Resolves with the shim's pid; from then on its socket takes connections. */
  readonly forked: Promise<number>;
  /** The word the `await` of a plan waits for: to go on, or that what it needs could not be made. Once. */
  proceed(goesOn: boolean): void;
}

export interface Launcher extends AsyncDisposable {
  /** Starts a shim that performs the plan; its events go to the listener. */
  launch(shim: ShimRecord, plan: Uint8Array, listener: EventListener): Launch;
  /** Performs a plan without a child. */
  run(plan: Uint8Array): Promise<RunOutcome>;
  /** Signals a process if it still is the one with this start time; resolves with the errno, 0 for done. */
  signal(pid: number, startTime: bigint, signal: number): Promise<number>;
  /** Sends netlink messages on a socket of this protocol, in the network namespace of a path (empty: the own). */
  netlink(protocol: number, messages: Uint8Array, namespacePath?: string): Promise<NetlinkOutcome>;
  /**
   * UDP and TCP sockets bound to this IPv4 address in the network namespace of a path, though this process is not in it.
   * They are the caller's. Rejects with `SyscallError`.
   */
  datagramSocket(namespacePath: string, address: string, port: number): Promise<DatagramSocket>;
  listeningSocket(namespacePath: string, address: string, port: number): Promise<Server>;
  /** Fulfilled when the launcher has ended by itself, with the reason. */
  readonly lost: Promise<Error>;
}

/** Starts the resident launcher as a child of this process; it ends with it. */
export async function startLauncher(): Promise<Launcher> {
  const launcher = new ProcessLauncher(helperPath());
  const version = await launcher.ping();
  if (version !== PROTOCOL_VERSION) {
    await launcher[Symbol.asyncDispose]();
    throw new Error(
      `the native helper speaks protocol ${version}, this package ${PROTOCOL_VERSION}: rebuild it with 'make -C native'`,
    );
  }
  return launcher;
}

/**
 * The child that performs an unpack stream (standard input) inside the folder and reports (standard output); it copies
 * content out of the open file `source` (its fd 3).
 */
export function spawnUnpack(
  tree: HelperTree,
  program: string = helperPath(),
  source?: number,
): ChildProcessByStdio<Writable, Readable, null> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', source ?? 'ignore', tree.root ?? 'ignore'];
  const child = spawn(program, ['unpack', ...treeArguments(tree)], { stdio, env: {}, detached: true });
  return child as ChildProcessByStdio<Writable, Readable, null>;
}

/** What a helper fills or reads. */
export interface HelperTree {
  /** The folder, or where old kernels mount the overlay. */
  readonly folder: string;
  /** Of an overlay: `lowerdir…`. None: the folder itself is the tree. */
  readonly overlayOptions?: readonly string[];
  /** An open folder that is the tree instead, such as the root of another process. It stays the caller's. */
  readonly root?: number;
}

function treeArguments({ folder, overlayOptions = [], root }: HelperTree): string[] {
  return root === undefined ? [folder, ...overlayOptions] : ['/proc/self/fd/4'];
}

/** The child that answers questions about a tree: a folder, or with options an overlay of its own. */
export function spawnPack(
  tree: HelperTree,
  program: string = helperPath(),
): ChildProcessByStdio<Writable, Readable, null> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', 'ignore', tree.root ?? 'ignore'];
  const child = spawn(program, ['pack', ...treeArguments(tree)], { stdio, env: {}, detached: true });
  return child as ChildProcessByStdio<Writable, Readable, null>;
}

/**
 * The child that renders these bytes of a log (an open file) on its standard output; standard error tells how far it came.
 * The flags stand in native/README.md, "Log".
 */
export function spawnLogReader(
  log: number,
  { start, end, flags }: { readonly start: number; readonly end: number; readonly flags: number },
  program: string = helperPath(),
): ChildProcessByStdio<null, Readable, Readable> {
  const args = ['log', String(start), String(end), String(flags)];
  const stdio: StdioOptions = [log, 'pipe', 'pipe'];
  return spawn(program, args, { stdio, env: {}, detached: true }) as ChildProcessByStdio<null, Readable, Readable>;
}

/**
 * One thing done to folders, in a helper of its own that is waited for: a millisecond, not for the way of every start.
 * The errno (0 for well) and what it was about.
 */
export function runFolder(args: readonly string[], program: string = helperPath()): FolderReport {
  const { said, how } = runHelper(['folder', ...args], Buffer.alloc(0), program);
  if (said.length < 9) throw errors.silentFolder(args.join(' '), how);
  const reader = new BytesReader(said);
  return { errno: reader.u32(), detail: reader.string() };
}

/** A mode that reads standard input to its end, and is waited for. Throws Node's error when it cannot be started. */
export function runHelper(args: readonly string[], input: Uint8Array, program: string = helperPath()): HelperEnd {
  const { error, stdout, signal, status } = spawnSync(program, args, {
    input,
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (error) throw error;
  return { said: stdout, how: signal ?? `exit code ${status}` };
}

export interface HelperEnd {
  /** On standard output. */
  readonly said: Buffer;
  /** `exit code 0`, or a signal. */
  readonly how: string;
}

export interface FolderReport {
  readonly errno: number;
  readonly detail: string;
}

class ProcessLauncher implements Launcher {
  readonly lost: Promise<Error>;
  readonly #process: ChildProcess;
  readonly #sockets: SentSockets;
  readonly #requests: Duplex;
  readonly #events: Duplex;
  readonly #replies = new Map<number, { resolve: (body: BytesReader) => void; reject: (error: Error) => void }>();
  /** By token; the pid tells whose a lost shim was. An end may be heard before the reply that names the pid. */
  readonly #launches = new Map<bigint, { readonly listener: EventListener; pid: number }>();
  #nextId = 1;
  #nextToken = 1n;
  #ended: Error | undefined;

  constructor(path: string) {
    const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', 'pipe', 'pipe', 'ipc'];
    const child = spawn(path, ['launcher'], { stdio, detached: true });
    this.#sockets = new SentSockets(child);
    this.#process = child;
    this.#requests = child.stdio[3] as Duplex;
    this.#events = child.stdio[4] as Duplex;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.lost = promise;
    child.once('error', (error) => this.#end(error, resolve));
    child.once('exit', (code, signal) => this.#end(errors.ended(signal ?? `exit code ${code}`), resolve));
    const replySplitter = new FrameSplitter();
    this.#requests.on('data', (chunk: Buffer) => replySplitter.push(chunk).forEach((frame) => this.#reply(frame)));
    const eventSplitter = new FrameSplitter();
    this.#events.on('data', (chunk: Buffer) => eventSplitter.push(chunk).forEach((frame) => this.#event(frame)));
    for (const stream of [this.#requests, this.#events]) stream.on('error', (error) => this.#end(error, resolve));
  }

  async ping(): Promise<number> {
    const body = await this.#request(requestType.ping, () => {});
    body.u32();
    return body.u32();
  }

  launch(shim: ShimRecord, plan: Uint8Array, listener: EventListener): Launch {
    const token = this.#nextToken++;
    this.#launches.set(token, { listener, pid: 0 });
    const reply = this.#request(requestType.launch, (writer) => {
      writer.u64(token);
      writeShimRecord(writer, shim);
      writer.bytes(plan);
    });
    return {
      forked: this.#forked(token, reply),
      proceed: (goesOn) => this.#send(requestType.proceed, (writer) => writer.u64(token).u32(goesOn ? 1 : 0)),
    };
  }

  async #forked(token: bigint, reply: Promise<BytesReader>): Promise<number> {
    try {
      const body = await reply;
      const errno = body.u32();
      const pid = body.u32();
      if (errno !== 0) throw new Error(`the native launcher could not fork a shim: errno ${errno}`);
      const entry = this.#launches.get(token);
      if (entry) entry.pid = pid;
      return pid;
    } catch (error) {
      this.#launches.delete(token);
      throw error;
    }
  }

  async run(plan: Uint8Array): Promise<RunOutcome> {
    const body = await this.#request(requestType.run, (writer) => writer.bytes(plan));
    return { errno: body.u32(), index: body.u32(), code: body.u32(), detail: body.string() };
  }

  async signal(pid: number, startTime: bigint, signal: number): Promise<number> {
    const body = await this.#request(requestType.signal, (writer) => writer.u32(pid).u64(startTime).u32(signal));
    return body.u32();
  }

  async netlink(protocol: number, messages: Uint8Array, namespacePath = ''): Promise<NetlinkOutcome> {
    const body = await this.#request(requestType.netlinkQuery, (writer) =>
      writer.bytes(namespacePath).u32(protocol).bytes(messages),
    );
    return { errno: body.u32(), received: body.bytes() };
  }

  datagramSocket(namespacePath: string, address: string, port: number): Promise<DatagramSocket> {
    return this.#socket(SOCK_DGRAM, { type: 'dgram.Socket', dgramType: 'udp4' }, namespacePath, address, port);
  }

  listeningSocket(namespacePath: string, address: string, port: number): Promise<Server> {
    return this.#socket(SOCK_STREAM, { type: 'net.Server' }, namespacePath, address, port);
  }

  async #socket<T extends SentSocket>(
    type: number,
    kind: HandleKind,
    namespacePath: string,
    address: string,
    port: number,
  ): Promise<T> {
    const { message, arrival, forget } = this.#sockets.expect<T>(kind);
    try {
      const body = await this.#request(requestType.socket, (writer) =>
        writer.bytes(namespacePath).u32(type).bytes(socketAddress(address, port)).bytes(message),
      );
      const errno = body.u32();
      if (errno !== 0) throw new SyscallError('bind', getSystemErrorName(-errno), `${address}:${port}`);
      return await Promise.race([arrival, this.lost.then((error) => Promise.reject(error))]);
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** Ends the launcher; shims go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#requests.end();
    await this.lost;
    // Shims hold its other end, for as long as they live.
    this.#events.destroy();
  }

  #request(type: number, write: (writer: BytesWriter) => void): Promise<BytesReader> {
    if (this.#ended) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<BytesReader>();
    this.#replies.set(this.#send(type, write), { resolve, reject });
    return promise;
  }

  /** Gives the request's id. */
  #send(type: number, write: (writer: BytesWriter) => void): number {
    const id = this.#nextId++ >>> 0;
    const writer = new BytesWriter(64 * 1024).u32(0).u32(id).u16(type).u16(0);
    write(writer);
    writer.patchU32(0, writer.length - 4);
    this.#requests.write(writer.done());
    return id;
  }

  #reply(frame: Buffer): void {
    const reader = new BytesReader(frame);
    const id = reader.u32();
    const type = reader.u16();
    reader.u16();
    const waiting = this.#replies.get(id);
    this.#replies.delete(id);
    if ((type & REPLY_BIT) !== 0) waiting?.resolve(reader);
  }

  #event(frame: Buffer): void {
    const { token, event } = readEvent(frame);
    if (event.type !== 'shim-lost') return this.#deliver(token, event);
    const owner = this.#launches.entries().find(([, launch]) => launch.pid === event.pid);
    if (owner) this.#deliver(owner[0], event);
  }

  #deliver(token: bigint, event: HelperEvent): void {
    const launch = this.#launches.get(token);
    if (event.type === 'exit' || event.type === 'failed' || event.type === 'shim-lost') this.#launches.delete(token);
    launch?.listener(event);
  }

  #end(reason: Error, tell: (reason: Error) => void): void {
    this.#ended ??= reason;
    for (const { reject } of this.#replies.values()) reject(this.#ended);
    this.#replies.clear();
    this.#process.unref();
    tell(this.#ended);
  }
}

export interface PlanRequest {
  /** An encoded plan. */
  readonly plan: Uint8Array;
  /** Stay as the container's parent and pass signals on; with `tty` join the terminal to the own one. */
  readonly foreground?: { readonly tty: boolean; readonly subreaper: boolean };
  /** File descriptors 3 … 2 + n of this process that the container inherits. */
  readonly preserveFds: number;
}

/** What came of a plan: the child waits, runs (pid 0 for a plan without a child), or the first failure. */
export type PlanReady = Extract<HelperEvent, { readonly type: 'created' | 'started' | 'failed' }>;

export interface PlanRun {
  /** Rejected when the helper could not be started or says nothing. */
  readonly ready: Promise<PlanReady>;
  /** The exit code when the helper has ended: of the container in the foreground, 128 + signal if it was killed. */
  readonly ended: Promise<number>;
  /** To the container's process, by way of the helper; only in the foreground. */
  signal(signal: NodeJS.Signals): void;
}

/** Performs one plan in a helper of its own, which inherits stdin, stdout and stderr. Throws `helper.missing`. */
export function runPlan({ plan, foreground, preserveFds }: PlanRequest): PlanRun {
  const args = ['run', '--preserve-fds', String(preserveFds)];
  if (foreground) args.push('--foreground');
  if (foreground?.tty) args.push('--tty');
  if (foreground && !foreground.subreaper) args.push('--no-subreaper');
  const inherited = Array.from({ length: 3 + preserveFds }, (_, fd) => fd);
  const child = spawn(helperPath(), args, {
    stdio: [...inherited, 'pipe', 'pipe'],
    // A terminal sends its signals to the whole foreground group: the helper would get them from there and from us.
    // With `tty` it has to stay in the group, to read from the terminal; that is raw then and sends no signals.
    detached: foreground !== undefined && !foreground.tty,
  });
  const { promise: ready, resolve: settle, reject: refuse } = Promise.withResolvers<PlanReady>();
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  ready.catch(() => {});
  let code: number | undefined;
  const splitter = new FrameSplitter();
  const report = child.stdio[4 + preserveFds] as Duplex;
  report.on('data', (chunk: Buffer) => {
    for (const frame of splitter.push(chunk)) {
      const { event } = readEvent(frame);
      if (event.type === 'created' || event.type === 'started' || event.type === 'failed') settle(event);
      else if (event.type === 'exit') code = exitCodeOf(event.waitStatus);
    }
  });
  report.on('error', refuse);
  const requests = child.stdio[3 + preserveFds] as Duplex;
  // A helper that is gone before it has read the plan is told by its end.
  requests.on('error', () => {});
  requests.end(plan);
  child.once('error', (error) => {
    refuse(error);
    end(1);
  });
  // 'close' comes after the last byte of the report.
  child.once('close', (status, signal) => {
    refuse(errors.silent(signal ?? `exit code ${status}`));
    end(code ?? status ?? 128 + (signal ? osConstants.signals[signal] : 0));
  });
  return { ready, ended, signal: (signal) => void child.kill(signal) };
}
