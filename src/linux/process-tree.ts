/** What a process has started, as far as it is still below it: a look through /proc, for the rare case that all of it has to go. */
import { readdirSync } from 'node:fs';
import { type ProcessStat, readProcessStat } from './process-stat.ts';

export interface TreeMember extends ProcessStat {
  readonly pid: number;
}

/** Everything below this process that has not ended, in no order. A process whose parents have ended is below their subreaper. */
export function processesBelow(ancestor: number): TreeMember[] {
  const all = readdirSync('/proc').flatMap((name): TreeMember[] => {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readProcessStat(pid) : undefined;
    return stat ? [{ pid, ...stat }] : [];
  });
  return below(ancestor, all).filter(({ state }) => state !== 'Z' && state !== 'X');
}

/** Of these the ones whose parents lead to `ancestor`. */
export function below<Member extends { readonly pid: number; readonly parent: number }>(
  ancestor: number,
  all: readonly Member[],
): Member[] {
  const found: Member[] = [];
  let parents = new Set([ancestor]);
  while (parents.size > 0) {
    const children = all.filter(({ pid, parent }) => parents.has(parent) && !found.some((each) => each.pid === pid));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found;
}
