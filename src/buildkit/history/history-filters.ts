/** Filters of the list of builds, as clients write them: `status==error,duration>10s`; of several any may hold. Pure. */
import { parseDurationMs } from '#base';
import { type PastBuild, parseGitUrl } from '#build';
import { errors } from '../errors.ts';

type Test = (build: PastBuild) => boolean;

/** Throws `buildkit.badHistoryFilter`. */
export function readHistoryFilters(filters: readonly string[], nowMs: number): Test {
  const all = filters.filter((text) => text !== '').map((text) => readOne(text, nowMs));
  return (build) => all.length === 0 || all.some((matches) => matches(build));
}

function readOne(text: string, nowMs: number): Test {
  const tests = text.split(',').map((part) => testOf(part.replace(/^"(.*)"$/s, '$1'), nowMs));
  return (build) => tests.every((matches) => matches(build));
}

function testOf(text: string, nowMs: number): Test {
  const [, name = '', relation = '', value = ''] = /^([A-Za-z]+)(==|!=|~=|>=|<=|>|<)(.*)$/s.exec(text) ?? [];
  const textOf = texts[name];
  const amountOf = amounts[name];
  if (textOf && /^(?:==|!=|~=)$/.test(relation)) {
    return (build) => {
      const actual = textOf(build);
      return relation === '~=' ? actual.includes(value) : (actual === value) === (relation === '==');
    };
  }
  if (!amountOf || !/^[<>]=?$/.test(relation)) throw errors.badHistoryFilter(text);
  const limit = name === 'duration' ? durationOf(text, value) : timeOf(text, value, nowMs);
  return (build) => {
    const actual = amountOf(build);
    if (relation === '>=') return actual >= limit;
    if (relation === '<=') return actual <= limit;
    return relation === '>' ? actual > limit : actual < limit;
  };
}

const texts: Readonly<Record<string, (build: PastBuild) => string>> = {
  ref: ({ ref }) => ref,
  // compat: a build that was cancelled is known by the words of its error.
  status: ({ error }) => (!error ? 'completed' : error.message.includes('context canceled') ? 'canceled' : 'error'),
  repository: ({ attributes }) => attributes['vcs:source'] ?? parseGitUrl(attributes['context'] ?? '')?.url ?? '',
};

/** Milliseconds; compat: times are compared by the second. */
const amounts: Readonly<Record<string, (build: PastBuild) => number>> = {
  startedAt: ({ createdAt }) => wholeSeconds(Date.parse(createdAt)),
  completedAt: ({ completedAt }) => wholeSeconds(Date.parse(completedAt)),
  duration: ({ createdAt, completedAt }) => Date.parse(completedAt) - Date.parse(createdAt),
};

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

function durationOf(text: string, value: string): number {
  try {
    return parseDurationMs(value);
  } catch {
    throw errors.badHistoryFilter(text);
  }
}

/** compat: a duration is that long ago. */
function timeOf(text: string, value: string, nowMs: number): number {
  const at = /^\d{4}-/.test(value) ? Date.parse(value) : nowMs - durationOf(text, value);
  if (Number.isNaN(at)) throw errors.badHistoryFilter(text);
  return wholeSeconds(at);
}
