/**
 * Draws a build's progress over itself while it goes on, and leaves all of it when it has ended.
 *
 * What was drawn before is found again by its height at the width the terminal has now: a window that became narrower has
 * wrapped the lines.
 */
import type { BuildStreamEvent } from '#specs';
import type { TerminalOutput } from '../command.ts';
import { BuildState } from './build-state.ts';
import { viewOf, widthOf } from './build-view.ts';

const REDRAW_MS = 100;

export class LiveProgress implements Disposable {
  readonly #output: TerminalOutput;
  readonly #state = new BuildState();
  readonly #beganMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #resized = (): void => this.#draw();
  #drawn: readonly string[] = [];
  #hasEnded = false;

  constructor(output: TerminalOutput) {
    this.#output = output;
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    output.on('resize', this.#resized);
    // The cursor would blink all over the lines.
    output.write('\x1b[?25l');
  }

  event(event: BuildStreamEvent): void {
    this.#state.event(event, performance.now());
  }

  /** Something of the client's own: the context it sends. */
  own(name: string, state: 'running' | 'done', status: string): void {
    this.#state.own(name, state, status, performance.now());
  }

  /** The last picture: every step, and of one that failed what it wrote. */
  end(title: 'FINISHED' | 'FAILED' | 'CANCELLED'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#timer);
    const nowMs = performance.now();
    this.#state.end(nowMs);
    const { columns } = this.#size();
    const lines = viewOf(this.#state, nowMs, this.#beganMs, { columns, rows: Infinity }, `Building ${title}`);
    const failed = this.#state.steps.filter((step) => step.state === 'failed' && step.log !== '');
    const logs = failed.flatMap(({ name, log }) => [
      '------',
      ` > ${name.split('\n')[0]}:`,
      ...log.trimEnd().split('\n'),
      '------',
    ]);
    this.#output.write(
      `${this.#erase()}${[...lines, ...logs, ...this.#state.notices].map((line) => `${line}\n`).join('')}`,
    );
    this.#drawn = [];
  }

  [Symbol.dispose](): void {
    this.end('CANCELLED');
    this.#output.off('resize', this.#resized);
    this.#output.write('\x1b[?25h');
  }

  #draw(): void {
    if (this.#hasEnded) return;
    const lines = viewOf(this.#state, performance.now(), this.#beganMs, this.#size());
    const text = lines.map((line) => `${line}\x1b[K\n`).join('');
    this.#output.write(`${this.#erase()}${text}`);
    this.#drawn = lines;
  }

  /** Goes back to where the last picture began, and clears from there. */
  #erase(): string {
    if (this.#drawn.length === 0) return '';
    const { columns } = this.#size();
    const height = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    return `\x1b[${height}A\r\x1b[J`;
  }

  /** A terminal that does not know its size says 0. The last line is the cursor's. */
  #size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#output;
    return { columns: columns || 80, rows: Math.max((rows || 24) - 1, 2) };
  }
}
