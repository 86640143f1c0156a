/** A container as a value of a program: run, read, entered, waited for, and gone when it is disposed of. */
import { Writable } from 'node:stream';
import type { ContainerCreateBody } from '#specs';
import type { Containers, ReadLogs } from './containers.ts';
import type { Execs } from './execs.ts';
import type { OutputStream } from './output-stream.ts';

export interface Output {
  /** Exit code. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  /** `NAME=value`. */
  readonly env?: readonly string[];
  /** `name`, `uid`, `uid:gid`; absent: the container's. */
  readonly user?: string;
  readonly workingDirectory?: string;
  /** Written to its input, which then ends. */
  readonly input?: string | Uint8Array;
}

/** Disposing it removes the container, running or not, with its anonymous volumes. */
export interface LaunchedContainer extends AsyncDisposable {
  readonly id: string;
  /** What it wrote so far; with `follow` also what it writes until its end. */
  logs(options?: ReadLogs): Promise<OutputStream>;
  /** Runs a program in it to its end. What it writes is kept in memory. */
  exec(command: readonly string[], options?: ExecOptions): Promise<Output>;
  /** Its exit code, at its end. */
  wait(): Promise<number>;
  /** SIGTERM (or what the image says), then SIGKILL after some seconds. */
  stop(timeoutSeconds?: number): Promise<void>;
}

interface Parts {
  readonly containers: Containers;
  readonly execs: Execs;
}

/** Creates and starts. Throws what the daemon refuses; nothing is left then. */
export async function launchContainer(
  { containers, execs }: Parts,
  body: ContainerCreateBody,
  name?: string,
): Promise<LaunchedContainer> {
  const { id } = await containers.create(body, name);
  const remove = (): Promise<void> => containers.remove(id, { force: true, volumes: true });
  try {
    await containers.start(id);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    id,
    logs: (options = {}) => containers.logs(id, { stdout: true, stderr: true, ...options }),
    exec: (command, options) => execIn(execs, id, command, options),
    wait: async () => (await containers.wait(id)).code,
    stop: async (timeoutSeconds) => void (await containers.stop(id, { timeoutSeconds })),
    [Symbol.asyncDispose]: remove,
  };
}

async function execIn(
  execs: Execs,
  container: string,
  command: readonly string[],
  { env = [], user = '', workingDirectory = '', input }: ExecOptions = {},
): Promise<Output> {
  const id = await execs.create(container, {
    Cmd: command,
    Env: env,
    User: user,
    WorkingDir: workingDirectory,
    AttachStdin: input !== undefined,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await execs.start(id, { tty: false });
  if (input !== undefined) stream.write(Buffer.from(input));
  stream.closeInput();
  const [stdout, stderr] = [new Kept(), new Kept()];
  await stream.copyTo({ stdout, stderr });
  const { exitCode } = await execs.inspect(id);
  return { code: exitCode ?? -1, stdout: stdout.text, stderr: stderr.text };
}

class Kept extends Writable {
  readonly #chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }
}
