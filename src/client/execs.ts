/** One more process in a running container: create it, start it, look at it. */
import type { ExecCreateBody } from '#specs';
import type { HijackedStream } from './hijacked-stream.ts';
import type { Transport } from './transport.ts';

export interface ExecState {
  readonly running: boolean;
  /** Null while it runs. */
  readonly exitCode: number | null;
  readonly pid: number;
}

export interface Execs {
  create(container: string, body: ExecCreateBody): Promise<string>;
  /** Runs it with its streams here. */
  start(
    id: string,
    options: { readonly tty: boolean; readonly consoleSize?: readonly [number, number] | undefined },
  ): Promise<HijackedStream>;
  /** Runs it with its streams nowhere. */
  startDetached(id: string): Promise<void>;
  inspect(id: string): Promise<ExecState>;
  resize(id: string, rows: number, columns: number): Promise<void>;
}

export function execsOf(transport: Transport): Execs {
  return {
    create: async (container, body) => {
      const path = `/containers/${encodeURIComponent(container)}/exec`;
      return (await transport.json<{ Id: string }>('POST', path, { body })).Id;
    },
    start: (id, { tty, consoleSize }) =>
      transport.hijack(`/exec/${id}/start`, {
        body: { Detach: false, Tty: tty, ...(consoleSize ? { ConsoleSize: consoleSize } : {}) },
      }),
    startDetached: async (id) => {
      await transport.status('POST', `/exec/${id}/start`, { body: { Detach: true, Tty: false } });
    },
    inspect: async (id) => {
      type Answer = { Running: boolean; ExitCode: number | null; Pid: number };
      const { Running, ExitCode, Pid } = await transport.json<Answer>('GET', `/exec/${id}/json`);
      return { running: Running, exitCode: ExitCode, pid: Pid };
    },
    resize: async (id, rows, columns) => {
      await transport.status('POST', `/exec/${id}/resize`, { query: { h: rows, w: columns } });
    },
  };
}
