/**
 * The resident launcher: the native helper in the mode that stays. It performs plans on request and forks a shim per launch.
 * With helper-modes.ts the only file that starts the helper.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { BytesReader, BytesWriter, defineErrors, SyscallError } from '#base';
import { helperPath } from './helper-path.ts';
import {
  FrameSplitter,
  type HelperEvent,
  PROTOCOL_VERSION,
  REPLY_BIT,
  readEvent,
  requestType,
  type ShimRecord,
  writeShimRecord,
} from './helper-protocol.ts';
import { type HandleKind, type SentSocket, SentSockets, socketAddress } from './sent-sockets.ts';

const errors = defineErrors('helper', {
  ended: { kind: 'unavailable', message: (how: string) => `the native launcher has ended (${how})` },
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
      return await arrival;
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
    this.#sockets.fail(this.#ended);
    this.#process.unref();
    tell(this.#ended);
  }
}
