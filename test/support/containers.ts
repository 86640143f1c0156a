/** Containers in the words of tests: run one and get all there is to know, or start one and go on. */
import type { Socket } from 'node:net';
import { collect, demultiplex, type Http } from './http.ts';

export interface Body {
  readonly [field: string]: unknown;
  readonly Cmd?: readonly string[];
  readonly HostConfig?: Readonly<Record<string, unknown>>;
}

export interface Inspect {
  readonly Id: string;
  readonly Name: string;
  readonly LogPath: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly OOMKilled: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Hostname: string };
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly ExecIDs: readonly string[] | null;
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;
  };
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecBody {
  readonly [field: string]: unknown;
  readonly Cmd: readonly string[];
}

/** A shell's script as a command. */
export const sh = (script: string): readonly string[] => ['sh', '-c', script];

export class Containers {
  readonly #http: Http;
  readonly #image: string;
  /** Every container ever made through here, for the search for leaks. */
  readonly made: string[] = [];

  constructor(http: Http, image: string) {
    this.#http = http;
    this.#image = image;
  }

  async create(body: Body, name = ''): Promise<string> {
    const query = name === '' ? '' : `?name=${encodeURIComponent(name)}`;
    const answer = await this.#http.call('POST', `/containers/create${query}`, { Image: this.#image, ...body });
    const id = answer.json<{ Id: string }>().Id;
    this.made.push(id);
    return id;
  }

  async start(id: string): Promise<void> {
    await this.#http.call('POST', `/containers/${id}/start`);
  }

  /** Created and started; gives the id. */
  async begin(body: Body, name = ''): Promise<string> {
    const id = await this.create(body, name);
    await this.start(id);
    return id;
  }

  async attach(id: string, query = 'stream=1&stdin=1&stdout=1&stderr=1'): Promise<Socket> {
    return this.#http.hijack(`/containers/${id}/attach?${query}`);
  }

  /** Runs it to its end, attached from the start, and removes it. */
  async run(body: Body, input = ''): Promise<Result> {
    const id = await this.create({
      AttachStdout: true,
      AttachStderr: true,
      ...(input === '' ? {} : { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
      ...body,
    });
    try {
      const socket = await this.attach(id);
      const output = collect(socket);
      await this.start(id);
      socket.end(input);
      const bytes = await output;
      const code = await this.wait(id);
      if (body['Tty'] === true) return { code, stdout: bytes.toString(), stderr: '' };
      const { stdout, stderr } = demultiplex(bytes);
      return { code, stdout: stdout.toString(), stderr: stderr.toString() };
    } finally {
      if (body.HostConfig?.['AutoRemove'] !== true) await this.remove(id);
    }
  }

  /** The exit code. */
  async wait(id: string, condition = 'not-running'): Promise<number> {
    const answer = await this.#http.call('POST', `/containers/${id}/wait?condition=${condition}`);
    return answer.json<{ StatusCode: number }>().StatusCode;
  }

  async inspect(id: string): Promise<Inspect> {
    return (await this.#http.call('GET', `/containers/${id}/json`)).json<Inspect>();
  }

  async stop(id: string, seconds = 10): Promise<void> {
    await this.#http.send('POST', `/containers/${id}/stop?t=${seconds}`);
  }

  async kill(id: string, signal = 'KILL'): Promise<void> {
    await this.#http.call('POST', `/containers/${id}/kill?signal=${signal}`);
  }

  /** By force; one that is gone is no error. */
  async remove(id: string): Promise<void> {
    const { status, text } = await this.#http.send('DELETE', `/containers/${id}?force=1`);
    if (status !== 204 && status !== 404) throw new Error(`removing ${id}: ${status} ${text}`);
  }

  async list(): Promise<readonly { readonly Id: string; readonly State: string }[]> {
    return (await this.#http.call('GET', '/containers/json?all=1')).json();
  }

  /** The log's bytes, demultiplexed unless the container has a terminal. */
  async logs(id: string, query = 'stdout=1&stderr=1'): Promise<{ stdout: string; stderr: string }> {
    const bytes = await collect(await this.#http.stream(`/containers/${id}/logs?${query}`));
    const { stdout, stderr } = demultiplex(bytes);
    return { stdout: stdout.toString(), stderr: stderr.toString() };
  }

  /** A further process in the container, to its end. */
  async exec(id: string, body: ExecBody, input = ''): Promise<Result & { readonly execId: string }> {
    const execId = await this.createExec(id, {
      AttachStdout: true,
      AttachStderr: true,
      AttachStdin: input !== '',
      ...body,
    });
    const socket = await this.#http.hijack(`/exec/${execId}/start`, { Detach: false, Tty: body['Tty'] ?? false });
    const output = collect(socket);
    if (input === '') socket.end();
    else socket.end(input);
    const bytes = await output;
    const code = await this.execExit(execId);
    if (body['Tty'] === true) return { execId, code, stdout: bytes.toString(), stderr: '' };
    const { stdout, stderr } = demultiplex(bytes);
    return { execId, code, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  async createExec(id: string, body: ExecBody): Promise<string> {
    return (await this.#http.call('POST', `/containers/${id}/exec`, body)).json<{ Id: string }>().Id;
  }

  /** The exit code of an exec whose output has ended: it is known a moment later. */
  async execExit(execId: string): Promise<number> {
    for (;;) {
      const state = (await this.#http.call('GET', `/exec/${execId}/json`)).json<{
        Running: boolean;
        ExitCode: number | null;
      }>();
      if (!state.Running && state.ExitCode !== null) return state.ExitCode;
      await new Promise((done) => setTimeout(done, 5));
    }
  }
}
