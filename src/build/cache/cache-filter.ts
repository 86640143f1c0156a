/** What filters of `du` and `prune` let through. */
import type { CacheUsage } from './prune.ts';

/** Of one filter: its name, how it compares, and with what. */
export interface CacheQuestion {
  readonly name: string;
  /** `is` a value, `begins` with it, or `holds` for those that are told by their name alone. */
  readonly relation: 'is' | 'not' | 'begins' | 'holds';
  readonly value: string;
}

const holds: Readonly<Record<string, (usage: CacheUsage) => boolean>> = {
  inuse: ({ isInUse }) => isInUse,
  shared: ({ isShared }) => isShared,
  private: ({ isShared }) => !isShared,
};

const texts: Readonly<Record<string, (usage: CacheUsage) => readonly string[]>> = {
  id: ({ id }) => [id],
  parent: ({ parents }) => parents,
  parents: ({ parents }) => parents,
  type: ({ kind }) => [kind],
  description: ({ description }) => [description],
};

/** Those that answer every question. Undefined for a name that is none, or cannot be asked that way. */
export function cacheFilter(questions: readonly CacheQuestion[]): ((usage: CacheUsage) => boolean) | undefined {
  const tests: ((usage: CacheUsage) => boolean)[] = [];
  for (const { name, relation, value } of questions) {
    const isTrue = relation === 'holds' || value === 'true' ? holds[name] : undefined;
    const textsOf = texts[name];
    if (isTrue) tests.push(isTrue);
    else if (!textsOf || relation === 'holds') return undefined;
    else if (relation === 'begins') tests.push((usage) => textsOf(usage).some((text) => text.startsWith(value)));
    else tests.push((usage) => textsOf(usage).includes(value) === (relation === 'is'));
  }
  return (usage) => tests.every((test) => test(usage));
}
