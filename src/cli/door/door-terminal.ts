/** The streams, signals and size of a terminal at the other end of a front door. */
import { Buffer } from 'node:buffer';
import { constants } from 'node:os';
import { type Duplex, Readable, Writable } from 'node:stream';
import { type CommandFrame, type CommandLine, commandFrames, doorFrames, encodeFrame } from '#wire';
import type { SignalSource, TerminalInput, TerminalOutput } from '../command.ts';

export class DoorTerminal {
  readonly stdin: DoorInput;
  readonly stdout: DoorOutput;
  readonly stderr: DoorOutput;
  readonly signals: SignalSource;
  #caught: ((name: NodeJS.Signals) => void) | undefined;

  constructor(door: Duplex, { terminals: [isInput, isOutput, isError], size }: CommandLine) {
    this.stdin = new DoorInput(door, isInput);
    this.stdout = new DoorOutput(door, commandFrames.out, isOutput, size);
    this.stderr = new DoorOutput(door, commandFrames.error, isError, size);
    this.signals = {
      watch: (names, caught) => {
        this.#caught = caught;
        door.write(encodeFrame(commandFrames.catches, Buffer.from(names.map((name) => constants.signals[name]))));
        return {
          [Symbol.dispose]: () => {
            this.#caught = undefined;
            if (!door.destroyed) door.write(encodeFrame(commandFrames.catches));
          },
        };
      },
    };
  }

  /** A frame of the door's. What it does not know it leaves. */
  take(type: string, payload: Buffer): void {
    if (type === doorFrames.input) this.stdin.give(payload);
    else if (type === doorFrames.signal) this.#signal(payload[0] ?? 0);
    else if (type === doorFrames.size && payload.length === 4) {
      this.stdout.resize(payload.readUInt16BE(0), payload.readUInt16BE(2));
    }
  }

  /** Until all that was written is with the door. */
  async flush(): Promise<void> {
    await Promise.all(
      [this.stdout, this.stderr].map((output) => new Promise<void>((resolve) => void output.end(() => resolve()))),
    );
  }

  /** There is nobody any more: input ends, output goes nowhere. */
  close(): void {
    this.stdin.give(Buffer.alloc(0));
    this.stdout.destroy();
    this.stderr.destroy();
  }

  #signal(number: number): void {
    const found = Object.entries(constants.signals).find(([, each]) => each === number);
    if (found) this.#caught?.(found[0] as NodeJS.Signals);
  }
}

class DoorInput extends Readable implements TerminalInput {
  readonly isTTY: boolean;
  readonly rawIsWhole = true;
  readonly #door: Duplex;
  #isAsked = false;
  #hasEnded = false;

  constructor(door: Duplex, isTerminal: boolean) {
    super();
    this.#door = door;
    this.isTTY = isTerminal;
  }

  setRawMode(on: boolean): void {
    if (!this.#door.destroyed) this.#door.write(encodeFrame(commandFrames.raw, Buffer.of(on ? 1 : 0)));
  }

  /** Asked for piece by piece: what the command does not read stays in the user's terminal. */
  override _read(): void {
    if (this.#isAsked || this.#door.destroyed) return;
    this.#isAsked = true;
    this.#door.write(encodeFrame(commandFrames.wantsInput));
  }

  give(payload: Buffer): void {
    if (this.#hasEnded) return;
    this.#isAsked = false;
    this.#hasEnded = payload.length === 0;
    this.push(this.#hasEnded ? null : payload);
  }
}

class DoorOutput extends Writable implements TerminalOutput {
  readonly isTTY: boolean;
  columns: number;
  rows: number;
  readonly #door: Duplex;
  readonly #frame: CommandFrame;

  constructor(door: Duplex, frame: CommandFrame, isTerminal: boolean, [rows, columns]: readonly [number, number]) {
    super();
    this.#door = door;
    this.#frame = frame;
    this.isTTY = isTerminal;
    this.rows = rows;
    this.columns = columns;
    // Nobody reads any more: the command ends with its connections.
    this.on('error', () => {});
  }

  resize(rows: number, columns: number): void {
    this.rows = rows;
    this.columns = columns;
    this.emit('resize');
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0) {
      done();
      return;
    }
    if (this.#door.write(encodeFrame(this.#frame, chunk))) done();
    else this.#door.once('drain', done);
  }
}
