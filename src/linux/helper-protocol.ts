/**
 * Frames between TypeScript and the native helper: launcher requests, events, shim connections.
 *
 * The shapes stand in native/README.md; the numbers are compared with native/src/protocol.h by a test.
 */
import { BytesReader, type BytesWriter } from '#base';

export const PROTOCOL_VERSION = 1;

export const requestType = {
  launch: 1,
  run: 2,
  signal: 3,
  ping: 4,
  netlinkQuery: 5,
  socket: 6,
  proceed: 7,
} as const;
export const REPLY_BIT = 0x8000;

export const shimFlags = {
  tty: 1,
  stdin: 2,
  stdinOnce: 4,
  noLog: 8,
  linger: 16,
  compressed: 32,
  handsOver: 64,
  waits: 128,
} as const;

export const eventType = {
  created: 1,
  started: 2,
  failed: 3,
  exit: 4,
  oom: 5,
  shimLost: 6,
  status: 7,
  done: 8,
  rotated: 9,
} as const;

export const HELLO_MAGIC = 0x53484d31;
export const connectionKind = { attach: 1, control: 2, attachMarked: 3 } as const;
export const attachFlags = { stdin: 1, stdout: 2, stderr: 4, raw: 8, closeStdin: 16, release: 32 } as const;

export const controlType = {
  status: 1,
  signal: 2,
  resize: 3,
  closeStdin: 4,
  release: 5,
  rotate: 6,
  flushLog: 7,
  compressed: 8,
} as const;

/** What a shim is told besides the plan. */
export interface ShimRecord {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly id: string;
  /** Gets `shim.sock`, `pid` and `exit`. */
  readonly runDirectory: string;
  readonly log?: {
    readonly path: string;
    readonly maxBytes: number;
    readonly maxFiles: number;
    /** Old files get compressed: the shim tells when there is another. */
    readonly isCompressed: boolean;
    readonly attributes: string;
  };
  readonly terminalSize?: { readonly rows: number; readonly columns: number };
  /** Keep the mounts a moment after the end, so that many ends share one sync; not where they hold on to a user's folder. */
  readonly linger?: boolean;
  /** The plan's child is a runtime that makes the process, names it in `init.pid` and ends: see native/README.md, "Shim". */
  readonly handsOver?: boolean;
  readonly oom?: { readonly path: string; readonly version: 1 | 2 };
  /** The plan has an `await`: see Launch.proceed. */
  readonly waits?: boolean;
}

export function writeShimRecord(writer: BytesWriter, shim: ShimRecord): void {
  const flags =
    (shim.tty ? shimFlags.tty : 0) |
    (shim.stdin ? shimFlags.stdin : 0) |
    (shim.stdinOnce ? shimFlags.stdinOnce : 0) |
    (shim.log ? 0 : shimFlags.noLog) |
    (shim.log?.isCompressed ? shimFlags.compressed : 0) |
    (shim.linger ? shimFlags.linger : 0) |
    (shim.handsOver ? shimFlags.handsOver : 0) |
    (shim.waits ? shimFlags.waits : 0);
  writer
    .u32(flags)
    .bytes(shim.id)
    .bytes(shim.runDirectory)
    .bytes(shim.log?.path ?? '')
    .u64(shim.log?.maxBytes ?? 0)
    .u32(shim.log?.maxFiles ?? 1)
    .bytes(shim.log?.attributes ?? '')
    .u32(shim.terminalSize?.rows ?? 0)
    .u32(shim.terminalSize?.columns ?? 0)
    .bytes(shim.oom?.path ?? '')
    .u32(shim.oom?.version ?? 0);
}

/** The first failure of a plan: where it happened and what the kernel said. */
export interface PlanFailure {
  readonly stream: 'parent' | 'child';
  readonly index: number;
  readonly code: number;
  readonly errno: number;
  readonly detail: string;
}

export type HelperEvent =
  | { readonly type: 'created' | 'started'; readonly pid: number; readonly startTime: bigint }
  | ({ readonly type: 'failed' } & PlanFailure)
  | { readonly type: 'exit'; readonly waitStatus: number; readonly timeNs: bigint; readonly oomKills: number }
  | { readonly type: 'oom'; readonly count: bigint }
  | { readonly type: 'shim-lost'; readonly pid: number; readonly waitStatus: number }
  | {
      readonly type: 'status';
      readonly state: 'setting-up' | 'created' | 'running' | 'exited';
      readonly pid: number;
      readonly startTime: bigint;
      readonly waitStatus: number;
      readonly exitTimeNs: bigint;
      readonly oomKills: number;
    }
  | { readonly type: 'done'; readonly id: number; readonly errno: number }
  | { readonly type: 'rotated' };

const shimStates = ['setting-up', 'created', 'running', 'exited'] as const;

/** Decodes one event frame without its length. Throws `bytes.short`, or `Error` for an unknown type. */
export function readEvent(frame: Uint8Array): { readonly token: bigint; readonly event: HelperEvent } {
  const reader = new BytesReader(frame);
  const type = reader.u16();
  reader.u16();
  const token = reader.u64();
  return { token, event: readEventBody(type, reader) };
}

function readEventBody(type: number, reader: BytesReader): HelperEvent {
  switch (type) {
    case eventType.created:
      return { type: 'created', pid: reader.u32(), startTime: reader.u64() };
    case eventType.started:
      return { type: 'started', pid: reader.u32(), startTime: reader.u64() };
    case eventType.failed:
      return {
        type: 'failed',
        stream: reader.u32() === 0 ? 'parent' : 'child',
        index: reader.u32(),
        code: reader.u32(),
        errno: reader.u32(),
        detail: reader.string(),
      };
    case eventType.exit:
      return { type: 'exit', waitStatus: reader.u32(), timeNs: reader.u64(), oomKills: reader.u32() };
    case eventType.oom:
      return { type: 'oom', count: reader.u64() };
    case eventType.shimLost:
      return { type: 'shim-lost', pid: reader.u32(), waitStatus: reader.u32() };
    case eventType.status:
      return {
        type: 'status',
        state: shimStates[reader.u32()] ?? 'setting-up',
        pid: reader.u32(),
        startTime: reader.u64(),
        waitStatus: reader.u32(),
        exitTimeNs: reader.u64(),
        oomKills: reader.u32(),
      };
    case eventType.done:
      return { type: 'done', id: reader.u32(), errno: reader.u32() };
    case eventType.rotated:
      return { type: 'rotated' };
    default:
      throw new Error(`the native helper sent an event of unknown type ${type}`);
  }
}

/** Cuts a byte stream into frames by their u32 length; gives each without it. */
export class FrameSplitter {
  readonly #limit: number;
  #pending: Buffer = Buffer.alloc(0);

  constructor(limit = 64 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** The frames completed by these bytes. Throws when a frame claims more than the limit. */
  push(chunk: Buffer): Buffer[] {
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Buffer[] = [];
    while (data.length >= 4) {
      const size = data.readUInt32LE(0);
      if (size > this.#limit) throw new Error(`the native helper sent a frame of ${size} bytes`);
      if (data.length < 4 + size) break;
      frames.push(data.subarray(4, 4 + size));
      data = data.subarray(4 + size);
    }
    this.#pending = data;
    return frames;
  }
}

/** The exit status a shell would show for a wait status (wait(2)): 128 + signal for a killed process. */
export function exitCodeOf(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}
