/** `builder` of the configuration file: what the build cache may take of the disk. */
import { messageOf, parseBytes } from '#base';
import { errors } from './errors.ts';

/** Of dockerd, by what becomes of them: the first that is given is the budget. */
const SIZES = ['defaultMaxUsedSpace', 'defaultKeepStorage', 'defaultReservedSpace'] as const;

/**
 * Bytes; Infinity when the cache is never collected, undefined when nothing is said. compat: `builder.gc.enabled` and the
 * default sizes of dockerd. Throws `daemon.badBuilder` for anything else.
 */
export function buildCacheBytes(section: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const { gc, ...others } = section ?? {};
  const [other] = Object.keys(others);
  if (other !== undefined) throw refuse(other, 'only gc is known');
  if (gc === undefined) return undefined;
  if (typeof gc !== 'object' || gc === null || Array.isArray(gc)) throw refuse('gc', 'it has to be an object');
  const { enabled = true, ...sizes } = gc as Readonly<Record<string, unknown>>;
  if (typeof enabled !== 'boolean') throw refuse('gc.enabled', 'it has to be true or false');
  const unknown = Object.keys(sizes).find((name) => !(SIZES as readonly string[]).includes(name));
  if (unknown !== undefined) throw refuse(`gc.${unknown}`, `the cache has one budget: ${SIZES.join(', ')}`);
  const given = SIZES.flatMap((name) => (sizes[name] === undefined ? [] : [bytesOf(name, sizes[name])]));
  return enabled ? given[0] : Number.POSITIVE_INFINITY;
}

function bytesOf(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value;
  try {
    if (typeof value === 'string') return parseBytes(value);
  } catch (error) {
    throw refuse(`gc.${name}`, messageOf(error));
  }
  throw refuse(`gc.${name}`, 'it has to be a size, such as "10GB"');
}

const refuse = (name: string, why: string): Error => errors.badBuilder(name, why);
