/**
 * Collects the steps of a graph: the same step asked for twice is one, whatever it is called, so that platforms and
 * stages share what they have in common.
 */
import { digestOf } from '#base';
import type { LocalStep, Step, StepId } from '../../graph.ts';

export class GraphWriter {
  readonly #steps: Step[] = [];
  readonly #ids = new Map<string, StepId>();
  /** Per local context: its place, and the paths wanted of it; undefined: all. */
  readonly #locals = new Map<string, { readonly id: StepId; paths: Set<string> | undefined }>();

  add(step: Step): StepId {
    const { name: _name, source: _source, ...rest } = step;
    const key = digestOf(JSON.stringify(rest));
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#steps.push(step) - 1;
    this.#ids.set(key, id);
    return id;
  }

  /** A tree without files. */
  addEmpty(): StepId {
    return this.add({ kind: 'files', name: '[internal] empty', ignoresCache: false, root: undefined, actions: [] });
  }

  addLocal(context: string, excludes: readonly string[]): StepId {
    const known = this.#locals.get(context);
    if (known) return known.id;
    const what = context === 'context' ? 'load build context' : `load from build context ${context}`;
    const step: LocalStep = {
      kind: 'local',
      name: context === 'context' ? `[internal] ${what}` : `[context ${context}] ${what}`,
      ignoresCache: false,
      context,
      excludes,
      paths: [],
    };
    const id = this.#steps.push(step) - 1;
    this.#locals.set(context, { id, paths: new Set() });
    return id;
  }

  isLocal(step: StepId): boolean {
    return [...this.#locals.values()].some(({ id }) => id === step);
  }

  /** Notes that a step reads a path of another; only what is read of a local context is sent. */
  use(step: StepId, path: string): void {
    for (const local of this.#locals.values()) {
      if (local.id !== step || !local.paths) continue;
      const wanted = path.replace(/^\/+/, '');
      if (wanted === '' || wanted === '.') local.paths = undefined;
      else local.paths.add(wanted);
    }
  }

  /** `roots`: what is exported as it is, and so needs all of its files. */
  finish(roots: readonly (StepId | undefined)[]): Step[] {
    for (const root of roots) if (root !== undefined) this.use(root, '/');
    const paths = new Map([...this.#locals.values()].map(({ id, paths }) => [id, [...(paths ?? [])].sort()]));
    return this.#steps.map((step, id) => (step.kind === 'local' ? { ...step, paths: paths.get(id) ?? [] } : step));
  }
}
