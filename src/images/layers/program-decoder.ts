/**
 * A stream that goes through a program of the host: for compressions Node has none of. It ends with its stream, and with
 * the daemon, for it reads a pipe.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { because, errnoCode } from '#base';
import { errors } from '../errors.ts';

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  /** Of Debian, for whoever has to install it. */
  readonly packageName: string;
}

/** A stream says itself how much memory it takes: one that wants more than the format's own levels do is refused. */
const programs: Readonly<Record<string, Program>> = {
  xz: { name: 'xz', args: ['-dcq', '-T1', '--memlimit-decompress=256MiB'], packageName: 'xz-utils' },
  bzip2: { name: 'bzip2', args: ['-dcq'], packageName: 'bzip2' },
};

/** Of what it says when it fails. */
const MAX_WORDS = 500;

/** Undefined for a format that is none of these. The stream fails with `image.noDecoder` where the program is not there. */
export function programDecoder(format: string): Duplex | undefined {
  const program = Object.hasOwn(programs, format) ? programs[format] : undefined;
  return program && new ProgramDecoder(format, program);
}

class ProgramDecoder extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;

  constructor(format: string, { name, args, packageName }: Program) {
    super({ readableHighWaterMark: 1024 * 1024 });
    const child = spawn(name, [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } });
    this.#child = child;
    let words = '';
    child.stderr.on('data', (bytes: Buffer) => (words = (words + bytes.toString()).slice(0, MAX_WORDS)));
    child.stdout.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) child.stdout.pause();
    });
    // It may end before it has read everything; how it ended says what that means.
    child.stdin.on('error', () => {});
    child.once('error', (error) => {
      const isMissing = errnoCode(error) === 'ENOENT';
      this.destroy(isMissing ? because(errors.noDecoder(format, name, packageName), error) : error);
    });
    child.once('close', (code, signal) => {
      if (code === 0) this.push(null);
      else this.destroy(new Error(words.trim() || `${name} ended with ${signal ?? `status ${code}`}`));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#child.stdin.destroyed) done();
    else this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill('SIGKILL');
    done(error);
  }
}
