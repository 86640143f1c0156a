/**
 * What a build tells → lines as the classic builder writes them: instruction after instruction, though steps run side by
 * side. What comes too early waits for its turn.
 */
import type { BuildEvent, BuildPlan, Dockerfile, StepId } from '#build';

export interface LineWriter {
  write(text: string): void;
}

interface Row {
  readonly text: string;
  readonly open: Set<StepId>;
  readonly isCached: boolean[];
  waiting: string[];
  waitingBytes: number;
}

/** Of one instruction that waits for its turn; compat: BuildKit clips what a step writes as well. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;

export class ClassicLines {
  readonly #out: LineWriter;
  readonly #rows: Row[] = [];
  readonly #rowOf = new Map<StepId, Row>();
  readonly #decoders = new Map<string, TextDecoder>();
  #at = -1;

  constructor(out: LineWriter) {
    this.#out = out;
  }

  /** Before the first event. */
  begin(dockerfile: Dockerfile, plan: BuildPlan, target: string): void {
    const { stages } = dockerfile;
    const named = stages.findIndex(({ from }) => from.name !== '' && from.name === target.toLowerCase());
    const wanted = target === '' ? stages.length - 1 : named < 0 ? Number(target) : named;
    for (const [index, { from, instructions }] of stages.slice(0, wanted + 1).entries()) {
      const all = [from, ...instructions];
      const last = all.at(-1)!.range.end;
      const isPlanned = plan.steps.some(
        ({ source }) => source !== undefined && source.start >= from.range.start && source.end <= last,
      );
      // Only what the target needs is told.
      if (!isPlanned && index !== wanted) continue;
      for (const { text, range } of all) {
        const row: Row = { text, open: new Set(), isCached: [], waiting: [], waitingBytes: 0 };
        this.#rows.push(row);
        for (const [id, { source }] of plan.steps.entries())
          if (source?.start === range.start) this.#rowOf.set(id, row);
      }
    }
  }

  event(event: BuildEvent): void {
    if (event.type === 'planned') {
      for (const { id } of event.steps) this.#rowOf.get(id)?.open.add(id);
      return this.#advance();
    }
    const row = this.#rowOf.get(event.step);
    if (!row) return;
    if (event.type === 'log') {
      const key = `${event.step} ${event.stream}`;
      const decoder = this.#decoders.getOrInsertComputed(key, () => new TextDecoder());
      this.#say(row, decoder.decode(event.bytes, { stream: true }));
    }
    if (event.type === 'cached') row.isCached.push(true);
    if (event.type === 'done') {
      row.open.delete(event.step);
      if (row.open.size === 0 && row.isCached.length > 0 && !row.text.toUpperCase().startsWith('FROM')) {
        this.#say(row, ' ---> Using cache\n');
      }
      this.#advance();
    }
  }

  #say(row: Row, text: string): void {
    if (this.#rows[this.#at] === row) {
      if (text !== '') this.#out.write(text);
      return;
    }
    if (row.waitingBytes > MAX_WAITING_BYTES) return;
    row.waitingBytes += text.length;
    row.waiting.push(row.waitingBytes > MAX_WAITING_BYTES ? '\n[output clipped]\n' : text);
  }

  /** Shows the next instructions as long as those before them are through. */
  #advance(): void {
    while (this.#at < this.#rows.length && (this.#rows[this.#at]?.open.size ?? 0) === 0) {
      this.#at += 1;
      const row = this.#rows[this.#at];
      if (!row) return;
      this.#out.write(`Step ${this.#at + 1}/${this.#rows.length} : ${row.text}`);
      this.#out.write('\n');
      for (const text of row.waiting) this.#out.write(text);
      row.waiting = [];
    }
  }
}
