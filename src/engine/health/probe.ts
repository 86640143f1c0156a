/** One run of a health check: an exec whose output is kept in part, killed with all it started when it takes too long. */
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { formatTimeNs, messageOf, nowNs, waitMs } from '#base';
import { SIGKILL } from '#linux';
import type { RunningProcess } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import type { ExecSettings } from '../exec-instances.ts';
import { createExec, startExec } from '../operations/exec.ts';
import { cgroupsPathOf, type EngineParts } from '../parts.ts';
import { goDuration, type Probe, type ProbeResult } from './healthcheck.ts';

/** compat: more of a probe's output is not kept. */
const OUTPUT_BYTES = 4096;
/** After the probe's own process has ended, what it started may still hold its output open. */
const DRAIN_MS = 1000;

/** Never throws: a probe that cannot be started is a result too. Ends early, without a meaning, when aborted. */
export async function runProbe(
  parts: EngineParts,
  record: ContainerRecord,
  probe: Probe,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const start = formatTimeNs(nowNs());
  const done = (exitCode: number, output: string): ProbeResult => ({
    start,
    end: formatTimeNs(nowNs()),
    exitCode,
    output,
  });
  const output = new CutOutput();
  try {
    const { id } = createExec(parts, record.id, settingsOf(record, probe));
    const { process, stream } = await startExec(parts, id, {
      ...{ stdin: false, stdout: true, stderr: true },
      ...{ raw: true, closeStdin: true },
    });
    const drained = output.take(stream!);
    const exit = await endWithin(process.exited, probe.timeoutMs, signal);
    if (exit === undefined) {
      await killSession(parts, record, process);
      stream!.destroy();
      const words = `Health check exceeded timeout (${goDuration(probe.timeoutMs)})`;
      return done(-1, output.text === '' ? words : `${words}: ${output.text}`);
    }
    await endWithin(drained, DRAIN_MS, signal);
    stream!.destroy();
    return done(exit.code, output.text);
  } catch (error) {
    return done(-1, messageOf(error));
  }
}

function settingsOf({ settings }: ContainerRecord, probe: Probe): ExecSettings {
  return {
    args: probe.args,
    env: [],
    user: '',
    workingDirectory: '',
    privileged: settings.host.privileged,
    tty: false,
    attach: { stdin: false, stdout: true, stderr: true },
    detachKeys: '',
    isProbe: true,
  };
}

/** An exec leads a session of its own: what it has started goes with it. */
async function killSession(parts: EngineParts, record: ContainerRecord, process: RunningProcess): Promise<void> {
  await parts.runtime.signalSession(cgroupsPathOf(parts.options, record), process.pid, SIGKILL);
  await process.signal(SIGKILL).catch(() => {});
  await process.exited;
}

/** Undefined when it takes longer, or the signal is aborted. */
async function endWithin<T>(work: Promise<T>, milliseconds: number, signal: AbortSignal): Promise<T | undefined> {
  const ended = new AbortController();
  const late = waitMs(milliseconds, AbortSignal.any([signal, ended.signal])).then(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}

/** The beginning of a stream; the rest is read and dropped, so that the probe is not held up. */
class CutOutput {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #isCut = false;

  /** compat: `...` says that there was more. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8') + (this.#isCut ? '...' : '');
  }

  /** Resolves when the stream has ended. */
  take(stream: Readable): Promise<void> {
    stream.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, OUTPUT_BYTES - this.#size);
      if (part.length > 0) this.#chunks.push(part);
      this.#size += part.length;
      this.#isCut ||= part.length < chunk.length;
    });
    // It may have ended before anybody listened.
    return finished(stream, { writable: false }).catch(() => {});
  }
}
