/**
 * A process under a shim, as the engine sees it: started by us, or found again after the daemon came back.
 *
 * What it writes goes from the shim to the log and to attached clients; nothing of it passes through here.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { errnoCode, SkiffError } from '#base';
import { exitCodeOf, type HelperEvent, type Launcher } from '#linux';
import {
  type AttachEffect,
  type AttachOptions,
  attachMarked,
  attachToShim,
  controlShim,
  type ShimControl,
} from './shim-client.ts';

export interface ProcessExit {
  /** 0 … 255, or 128 + signal. */
  readonly code: number;
  readonly timeNs: bigint;
  readonly oomKills: number;
  /** Its shim was killed: nobody saw it end, and perhaps it has not. */
  readonly isLost?: true;
}

/** A process that is no other with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTime: bigint;
}

export class RunningProcess {
  /** Fulfilled once; also when the shim is lost, then with code 137. */
  readonly exited: Promise<ProcessExit>;
  /** Called for each OOM kill the kernel reports while it runs. */
  onOom: () => void = () => {};
  /** Called when its log has an old file more, see ShimRecord.log.isCompressed. */
  onRotated: () => void = () => {};
  readonly #runDirectory: string;
  readonly #launcher: Launcher;
  #identity: ProcessIdentity;
  readonly #settleExit: (exit: ProcessExit) => void;
  readonly #started = Promise.withResolvers<void>();
  #control: Promise<ShimControl> | undefined;

  constructor(identity: ProcessIdentity, runDirectory: string, launcher: Launcher) {
    this.#identity = identity;
    this.#runDirectory = runDirectory;
    this.#launcher = launcher;
    const { promise, resolve } = Promise.withResolvers<ProcessExit>();
    this.exited = promise;
    this.#settleExit = resolve;
    // Only who releases a held process asks whether its program started.
    this.#started.promise.catch(() => {});
  }

  get pid(): number {
    return this.#identity.pid;
  }

  get startTime(): bigint {
    return this.#identity.startTime;
  }

  /** Takes in an event of the shim, from whichever channel it came. */
  event(event: HelperEvent): void {
    if (event.type === 'started') {
      // Another than the one that was held, where a foreign runtime has made it.
      this.#identity = event;
      this.#started.resolve();
    } else if (event.type === 'exit') {
      this.#started.resolve();
      this.#settleExit({ code: exitCodeOf(event.waitStatus), timeNs: event.timeNs, oomKills: event.oomKills });
    } else if (event.type === 'shim-lost') {
      this.#started.reject(
        new SkiffError('internal', 'shim.lost', "the container's shim ended before its program ran"),
      );
      this.#settleExit(readExitRecord(this.#runDirectory) ?? lostExit());
    } else if (event.type === 'oom') {
      this.onOom();
    } else if (event.type === 'rotated') {
      this.onRotated();
    }
  }

  /** It was held, and then its program could not be started. */
  fail(error: SkiffError): void {
    this.#started.reject(error);
    const code = Number(error.details['exitCode'] ?? 128);
    this.#settleExit({ code, timeNs: BigInt(Date.now()) * 1_000_000n, oomKills: 0 });
  }

  /** Throws `conflict` when the process is gone, and what the kernel says otherwise. */
  async signal(number: number): Promise<void> {
    const errno = await this.#launcher.signal(this.pid, this.startTime, number);
    if (errno !== 0)
      throw new SkiffError('conflict', 'process.signal', `cannot signal process ${this.pid}: errno ${errno}`);
  }

  /** With the effect `release` it is the last client a held process waits for; see `started` for what becomes of that. */
  attach(options: AttachOptions, effect?: AttachEffect): Promise<Socket> {
    return attachToShim(this.#runDirectory, options, effect);
  }

  /** The same for a client that reads the log first; undefined when the shim is of a version without marks. */
  attachMarked(options: AttachOptions): ReturnType<typeof attachMarked> {
    return attachMarked(this.#runDirectory, options);
  }

  /** Fulfilled when the program of a process that was held runs. Rejected with why it could not. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  async resize(rows: number, columns: number): Promise<void> {
    await (await this.control()).resize(rows, columns);
  }

  /**
   * Puts the file `LOG.gz-NONCE` in the place of the old log file with this inode, between two rotations. Throws `conflict`
   * when there is none any more.
   */
  async putCompressedLog(inode: bigint, nonce: number): Promise<void> {
    await (await this.control()).putCompressedLog(inode, nonce);
  }

  /**
   * Lets a held process run its program; resolves when it does, or when it has ended before, as by a signal. Throws why it
   * could not.
   */
  async release(): Promise<void> {
    try {
      await (await this.control()).release();
    } catch (error) {
      if (!isGone(error)) throw error;
      await this.exited;
    }
    await this.#started.promise;
  }

  /** Listens to the shim directly: for a shim that another daemon or a lost launcher started. */
  async follow(): Promise<void> {
    const control = await this.control();
    const status = await control.status();
    if (status.state === 'exited') {
      this.#settleExit({ code: exitCodeOf(status.waitStatus), timeNs: status.exitTimeNs, oomKills: status.oomKills });
      return;
    }
    void control.closed.then(() => this.#settleExit(readExitRecord(this.#runDirectory) ?? lostExit()));
  }

  /** One control connection per process, opened when first needed. */
  control(): Promise<ShimControl> {
    this.#control ??= controlShim(this.#runDirectory, (event) => this.event(event));
    const opened = this.#control;
    opened.catch(() => {
      if (this.#control === opened) this.#control = undefined;
    });
    return opened;
  }
}

/** Nobody listens there, or did not to the end: the launcher tells, too, how the shim has ended. */
function isGone(error: unknown): boolean {
  if (!(error instanceof SkiffError) || error.code !== 'shim.gone') return false;
  return error.cause === undefined || ['ENOENT', 'ECONNREFUSED'].includes(errnoCode(error.cause) ?? '');
}

/** What the shim wrote when the process ended (`exit` in its folder); undefined while there is none. */
export function readExitRecord(runDirectory: string): ProcessExit | undefined {
  const match = /^(\d+) (\d+) (\d+)\n$/.exec(readIfThere(`${runDirectory}/exit`));
  if (!match) return undefined;
  return { code: exitCodeOf(Number(match[1])), timeNs: BigInt(match[2]!), oomKills: Number(match[3]) };
}

/** The shim's own note of whom it watches; undefined when it never got that far. */
export function readPidRecord(runDirectory: string): { pid: number; startTime: bigint } | undefined {
  const match = /^(\d+) (\d+)\n$/.exec(readIfThere(`${runDirectory}/pid`));
  return match ? { pid: Number(match[1]), startTime: BigInt(match[2]!) } : undefined;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Nobody saw how it ended: as if killed, now. */
function lostExit(): ProcessExit {
  return { code: 137, timeNs: BigInt(Date.now()) * 1_000_000n, oomKills: 0, isLost: true };
}
