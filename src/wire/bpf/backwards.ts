/**
 * Writes a classic BPF program from its end to its beginning.
 *
 * All jumps go forward, so in this direction every target already has a place. A conditional jump
 * reaches only 255 instructions; where a target is farther away, a copy of the return or an
 * unconditional jump is put on the way, which later jumps share.
 */
import { type Instruction, JUMP_ALWAYS, jump, RETURN, statement } from './classic.ts';

/** Where a jump may go: an instruction that was written, or a return with a value. */
export type Target = { readonly label: number } | { readonly returns: number };

/** A conditional jump can skip 255; one target may move by one while the other is being placed. */
const REACH = 254;

/** A program under construction. Every method that writes gives the target it can be jumped to by. */
export class BackwardsProgram {
  /** In reverse: the last instruction of the program comes first. */
  readonly #code: Instruction[] = [];
  /** Value or label → the nearest place that leads there. */
  readonly #returns = new Map<number, number>();
  readonly #steps = new Map<number, number>();

  /** Adds an instruction in front; it falls through to what was written before it. */
  add(code: number, k: number): Target {
    this.#code.push(statement(code, k));
    return { label: this.#code.length - 1 };
  }

  /** Adds a conditional jump in front. */
  branch(code: number, k: number, yes: Target, no: Target): Target {
    const yesAt = this.#near(yes);
    const noAt = this.#near(no);
    const at = this.#code.length;
    this.#code.push(jump(code, k, at - yesAt - 1, at - noAt - 1));
    return { label: at };
  }

  /** Makes the target the next instruction, so that one added in front falls through to it. */
  place(target: Target): void {
    if ('label' in target) {
      if (target.label !== this.#code.length - 1) this.#step(target.label);
    } else this.#return(target.returns);
  }

  /** The program in the order of execution. */
  finish(): Instruction[] {
    return this.#code.toReversed();
  }

  #near(target: Target): number {
    const known =
      'label' in target ? (this.#steps.get(target.label) ?? target.label) : this.#returns.get(target.returns);
    if (known !== undefined && this.#code.length - known - 1 < REACH) return known;
    return 'label' in target ? this.#step(target.label) : this.#return(target.returns);
  }

  #step(label: number): number {
    const at = this.#code.length;
    this.#code.push(statement(JUMP_ALWAYS, at - label - 1));
    this.#steps.set(label, at);
    return at;
  }

  #return(value: number): number {
    const at = this.#code.length;
    this.#code.push(statement(RETURN, value));
    this.#returns.set(value, at);
    return at;
  }
}
