/**
 * A daemon on another machine, through the user's own ssh: what its configuration and agent know counts here too.
 *
 * compat: ssh runs `docker system dial-stdio` there, which joins its input and output with the daemon's socket.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { SshEndpoint } from '#client';
import { errors } from '../errors.ts';

const MOST_SAID = 4096;

/** One connection. What goes wrong comes out of the stream as its error, with what ssh said. */
export function dialThroughSsh(endpoint: SshEndpoint): Duplex {
  const child = spawn('ssh', sshArguments(endpoint), { stdio: ['pipe', 'pipe', 'pipe'] });
  return new ProcessStream(child, (code, said) => errors.sshFailed(endpoint.host, code, said));
}

/** A process's input and output as one stream. Its end without a word is a failure. */
class ProcessStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams, failure: (code: number, said: string) => Error) {
    super({ allowHalfOpen: true });
    this.#child = child;
    let said = '';
    let answered = false;
    child.stdout.on('data', (chunk: Buffer) => {
      answered = true;
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-MOST_SAID)));
    // One that ends early breaks its pipe; why is told by its end.
    child.stdin.on('error', () => {});
    child.once('error', (error) => this.destroy(errors.noSsh(error.message)));
    child.once('close', (code) => {
      if (answered || code === 0) this.push(null);
      else this.destroy(failure(code ?? 255, said.trim()));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }
}

/** What ssh is called with. The host stands behind `--`, so that it is no option whatever it is. */
export function sshArguments({ user, host, port, path }: SshEndpoint): string[] {
  return [
    ...(user === '' ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '-o',
    'ConnectTimeout=30',
    '-T',
    '--',
    host,
    remoteCommand(path),
  ];
}

/** Skiff where it is installed, else Docker. For whatever shell the user has over there; a path holds no quotes. */
function remoteCommand(path: string): string {
  const rest = `${path === '' ? '' : `-H unix://${path} `}system dial-stdio`;
  return `sh -c 'if command -v skiff >/dev/null 2>&1; then exec skiff ${rest}; else exec docker ${rest}; fi'`;
}
