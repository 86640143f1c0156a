/**
 * The last steps whose programs failed, kept for a while with all they had, so that somebody can look around in the state just
 * before: a shell in the place of the program, with its mounts, environment, user and folder. What it changes is thrown away.
 */
import { newContainerId } from '#base';
import type { BuiltLayer, LayerKey } from '#images';
import type { RunningProcess } from '#runtime';
import { errors } from '../errors.ts';
import { stackTree } from '../files/source-tree.ts';
import type { RunStep } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import type { RunFailure } from '../solve/solving.ts';
import type { StepSource } from './request.ts';
import { runStep } from './run-step.ts';

/** Each holds layers, and the context its step reads. */
const MOST_KEPT = 2;
const KEPT_MS = 15 * 60_000;

export interface FailedStep {
  readonly id: string;
  /** As progress shows it. */
  readonly name: string;
}

export interface DebugTerminal {
  readonly rows: number;
  readonly columns: number;
  /** TERM, where the step says nothing of it. */
  readonly type: string;
  join(process: RunningProcess): Promise<{ readonly ended: Promise<void> }>;
  readonly signal: AbortSignal;
}

interface Kept extends FailedStep {
  readonly failure: RunFailure;
  readonly held: AsyncDisposableStack;
  readonly timer: NodeJS.Timeout;
  users: number;
}

export class FailedSteps {
  readonly #parts: BuildParts;
  /** The newest last. */
  readonly #kept: Kept[] = [];
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(parts: BuildParts) {
    this.#parts = parts;
  }

  /** Holds the layers a failed step has; undefined when they are gone already. */
  hold({ root, inputs }: RunFailure): Disposable | undefined {
    const keys: LayerKey[] = [...root.layers];
    for (const result of inputs.values()) if (result.kind === 'snapshot') keys.push(...result.layers);
    return this.#parts.layers.hold(keys);
  }

  /** Keeps it, and what is held for it, until it is too old or one of too many. */
  async keep(failure: RunFailure, held: AsyncDisposableStack): Promise<void> {
    const id = newContainerId().slice(0, 12);
    const timer = setTimeout(() => void this.#drop(id), KEPT_MS);
    timer.unref();
    this.#kept.push({ id, name: failure.step.name, failure, held, timer, users: 0 });
    const old = this.#kept.slice(0, -MOST_KEPT).find(({ users }) => users === 0);
    if (old) await this.#drop(old.id);
  }

  /** The newest. Throws `build.nothingFailed`. */
  latest(): FailedStep {
    const { id, name } = this.#find();
    return { id, name };
  }

  /** Runs a shell in the newest one's place; its exit code. Throws `build.nothingFailed`, and what starting it throws. */
  async debug(terminal: DebugTerminal): Promise<number> {
    const kept = this.#find();
    kept.users += 1;
    const signal = AbortSignal.any([terminal.signal, this.#closing.signal]);
    const running = this.#run(kept.failure, { ...terminal, signal });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      kept.users -= 1;
    }
  }

  /** Ends shells, and lets go of everything. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    for (const { id } of [...this.#kept]) await this.#drop(id);
  }

  #find(): Kept {
    const kept = this.#kept.at(-1);
    if (!kept) throw errors.nothingFailed();
    return kept;
  }

  async #drop(id: string): Promise<void> {
    const at = this.#kept.findIndex((each) => each.id === id);
    const [kept] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (!kept) return;
    clearTimeout(kept.timer);
    await kept.held.disposeAsync();
  }

  async #run({ step, root, inputs, settings, gifts }: RunFailure, terminal: DebugTerminal): Promise<number> {
    const { layers, facts, runtime } = this.#parts;
    const { rows, columns, join, signal } = terminal;
    await using undo = new AsyncDisposableStack();
    // Never committed: it goes when the shell has ended.
    const layer: BuiltLayer = undo.use(layers.begin(root.layers));
    const sources = new Map<number, StepSource>();
    for (const [id, result] of inputs) {
      if (result.kind === 'local') sources.set(id, { tree: result.tree, layers: undefined });
      else {
        const folders = layers.folders(result.layers);
        const tree = undo.use(stackTree({ folders, facts, helperProgram: runtime.helperProgram }));
        sources.set(id, { tree, layers: result.layers });
      }
    }
    let exitCode = 0;
    await runStep(this.#parts, {
      step: withShell(step, terminal.type),
      root: root.layers,
      layer,
      settings,
      gifts,
      sourceOf: (id) => sources.get(id)!,
      onOutput: () => {},
      drained: () => undefined,
      interactive: { rows, columns, join, onExit: (code) => void (exitCode = code) },
      signal,
    });
    return exitCode;
  }
}

/** The shell the step itself used, or the one every image with a shell has. */
function withShell(step: RunStep, terminalType: string): RunStep {
  const [program = '', flag] = step.argv;
  const shell = /^-[a-z]*c$/.test(flag ?? '') ? program : '/bin/sh';
  const hasType = step.environment.some((each) => each.startsWith('TERM='));
  return {
    ...step,
    argv: [shell],
    environment: hasType || terminalType === '' ? step.environment : [...step.environment, `TERM=${terminalType}`],
  };
}
