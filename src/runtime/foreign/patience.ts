/**
 * How long a foreign runtime may take for what is a matter of milliseconds. One that hangs would hold the container's lock for
 * ever: it is killed, with all it has started meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Launcher, processesBelow, SIGKILL } from '#linux';

export const PATIENCE_MS = 30_000;

/** Looks for what was started between the last look and the kill. */
const ROUNDS = 20;
const ROUND_MS = 5;

/** What is said of it. */
export function tookTooLong(name: string, verb: string, patienceMs: number): string {
  return `${name} ${verb} took longer than ${patienceMs / 1000} s`;
}

/**
 * Kills everything below a process. Who has no parent but this process goes last: while it is there, what it started can be
 * told from all else.
 */
export async function killBelow(launcher: Pick<Launcher, 'signal'>, ancestor: number): Promise<void> {
  // Below those is the whole machine.
  if (ancestor <= 1) throw new Error(`nothing is killed below process ${ancestor}`);
  const kill = ({ pid, startTime }: { readonly pid: number; readonly startTime: bigint }): Promise<number> =>
    launcher.signal(pid, startTime, SIGKILL);
  for (let round = 0; round < ROUNDS; round += 1) {
    const deeper = processesBelow(ancestor).filter(({ parent }) => parent !== ancestor);
    if (deeper.length === 0) break;
    await Promise.all(deeper.map(kill));
    await pause(ROUND_MS);
  }
  await Promise.all(processesBelow(ancestor).map(kill));
}

/**
 * Watches one run of a runtime whose shim has nothing else below it until the run is over: from when both it begins and the
 * shim is known, until it ends, in whatever order that is heard.
 */
export class RunLimit {
  readonly #launcher: Pick<Launcher, 'signal'>;
  readonly #patienceMs: number;
  #shimPid: number | undefined;
  #hasBegun = false;
  #isOver = false;
  #hasExpired = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(launcher: Pick<Launcher, 'signal'>, patienceMs: number) {
    this.#launcher = launcher;
    this.#patienceMs = patienceMs;
  }

  get patienceMs(): number {
    return this.#patienceMs;
  }

  /** Whether it was killed for that. */
  get hasExpired(): boolean {
    return this.#hasExpired;
  }

  launched(shimPid: number): void {
    this.#shimPid = shimPid;
    this.#arm();
  }

  begin(): void {
    this.#hasBegun = true;
    this.#arm();
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const shimPid = this.#shimPid;
    if (shimPid === undefined || !this.#hasBegun || this.#isOver) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#hasExpired = true;
      void killBelow(this.#launcher, shimPid).catch(() => {});
    }, this.#patienceMs);
  }
}
