/**
 * The first process of a container that a foreign runtime has made. Its streams, its log and its end are the shim's, as
 * always; that its program starts, and what signals it gets, is the runtime's. And the process of an exec, which is the
 * runtime itself at first.
 */
import type { Socket } from 'node:net';
import { messageOf } from '#base';
import { type HelperEvent, type Launcher, SIGKILL } from '#linux';
import { type ProcessIdentity, RunningProcess } from '../running-process.ts';
import type { AttachEffect, AttachOptions } from '../shim-client.ts';
import { foreignFailure } from './foreign-failure.ts';
import type { ForeignProgram } from './foreign-program.ts';
import type { RunLimit } from './patience.ts';

export class ForeignProcess extends RunningProcess {
  readonly #program: ForeignProgram;
  readonly #begun = Promise.withResolvers<void>();
  #isReleased = false;

  constructor(identity: ProcessIdentity, runDirectory: string, launcher: Launcher, program: ForeignProgram) {
    super(identity, runDirectory, launcher);
    this.#program = program;
    // Only who releases it asks whether its program started.
    this.#begun.promise.catch(() => {});
  }

  override get started(): Promise<void> {
    return this.#begun.promise;
  }

  /** The runtime's `start` comes once the client is there; what becomes of it is told by `started`. */
  override async attach(options: AttachOptions, effect?: AttachEffect): Promise<Socket> {
    const socket = await super.attach(options);
    if (effect?.release) void this.#start();
    return socket;
  }

  override async release(): Promise<void> {
    void this.#start();
    await this.started;
  }

  /** By the runtime, which may know of more than one process; directly where that refuses. Throws `conflict` when it is gone. */
  override async signal(number: number): Promise<void> {
    try {
      await this.#program.run('kill', [], [String(number)]);
    } catch {
      await super.signal(number);
    }
  }

  /** Once; what comes of it is told by `started`. */
  async #start(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    try {
      await this.#program.run('start');
      this.#begun.resolve();
    } catch (error) {
      await super.signal(SIGKILL).catch(() => {});
      await this.exited;
      this.#begun.reject(foreignFailure('start', messageOf(error)));
    }
  }
}

export class ForeignExec extends RunningProcess {
  readonly #limit: RunLimit;

  constructor(identity: ProcessIdentity, runDirectory: string, launcher: Launcher, limit: RunLimit) {
    super(identity, runDirectory, launcher);
    this.#limit = limit;
  }

  override event(event: HelperEvent): void {
    // That it is held is no end of the runtime's run.
    if (event.type === 'started' || event.type === 'exit' || event.type === 'shim-lost') this.#limit.end();
    super.event(event);
  }

  override async attach(options: AttachOptions, effect?: AttachEffect): Promise<Socket> {
    if (effect?.release) this.#limit.begin();
    return super.attach(options, effect);
  }

  override async release(): Promise<void> {
    this.#limit.begin();
    await super.release();
  }
}
