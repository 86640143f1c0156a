/** `--cap-add`, `--cap-drop`, `--privileged` → the capabilities a container gets. */
import { capabilitiesIn, capabilityBit } from '#linux';
import { defaultCapabilities } from '#runtime';
import { errors } from './errors.ts';

/**
 * compat: the rules of moby's caps.TweakCapabilities: case and the CAP_ prefix do not matter, `ALL` is what the daemon
 * holds, dropping wins over the defaults and adding over dropping.
 * @param host the daemon's own bounding set
 */
export function tweakCapabilities(
  add: readonly string[],
  drop: readonly string[],
  privileged: boolean,
  host: bigint,
): readonly string[] {
  const all: readonly string[] = capabilitiesIn(host);
  if (privileged) return all;
  const added = add.map((name) => normalize(name, 'CapAdd'));
  const dropped = drop.map((name) => normalize(name, 'CapDrop'));
  if (added.includes('ALL')) return all.filter((name) => !dropped.includes(name));
  const base = dropped.includes('ALL') ? [] : defaultCapabilities.filter((name) => !dropped.includes(name));
  return [...new Set([...base, ...added])];
}

function normalize(name: string, field: string): string {
  const upper = name.toUpperCase();
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (capabilityBit(full) === undefined) {
    throw errors.invalid(`invalid ${field}: unknown capability: "${full}"`);
  }
  return full;
}
