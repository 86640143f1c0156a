/** Filters of du and prune, as BuildKit's clients write them: `type==regular,id~=abc`; of several any may hold. */
import { cacheFilter, type CacheQuestion, type CacheUsage } from '#build';
import { errors } from './errors.ts';

/** Throws `buildkit.badFilter`. */
export function readCacheFilters(filters: readonly string[]): (usage: CacheUsage) => boolean {
  // compat: clients without a filter send an empty one.
  const all = filters.filter((text) => text !== '').map(readOne);
  return (usage) => all.length === 0 || all.some((matches) => matches(usage));
}

function readOne(text: string): (usage: CacheUsage) => boolean {
  const matches = cacheFilter(text.split(',').map(questionOf));
  if (!matches) throw errors.badFilter(text);
  return matches;
}

const relations = { '==': 'is', '!=': 'not', '~=': 'begins' } as const;

function questionOf(text: string): CacheQuestion {
  const [, name = '', relation, value = ''] = /^([a-z]+)(?:(==|!=|~=)(.*))?$/s.exec(text) ?? [];
  if (name === '') throw errors.badFilter(text);
  if (relation === undefined) return { name, relation: 'holds', value };
  return { name, relation: relations[relation as keyof typeof relations], value: value.replace(/^"(.*)"$/s, '$1') };
}
