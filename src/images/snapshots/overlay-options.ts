/** The options of an overlay mount, in the form a kernel takes. */
import { type HostFacts, kernelAtLeast } from '#linux';

export interface OverlayFolders {
  /** Topmost first. */
  readonly lowers: readonly string[];
  /** Absent: read-only, and then at least two lower folders. */
  readonly upper?: string;
  readonly work?: string;
}

/**
 * Mount options, one per string.
 * kernel: from 6.8 on each lower folder is given by itself, as it is; before, all in one, with `:` and `\` escaped.
 * Upper and work folder are unescaped by every kernel.
 */
export function overlayOptions({ lowers, upper, work }: OverlayFolders, facts: Pick<HostFacts, 'kernel'>): string[] {
  const lowerOptions = kernelAtLeast(facts, 6, 8)
    ? lowers.map((path) => `lowerdir+=${path}`)
    : [`lowerdir=${lowers.map((path) => path.replace(/[\\:]/g, '\\$&')).join(':')}`];
  const unescaped = (path: string): string => path.replaceAll('\\', '\\\\');
  const upperOptions =
    upper === undefined || work === undefined ? [] : [`upperdir=${unescaped(upper)}`, `workdir=${unescaped(work)}`];
  // kernel: what these would keep in a folder makes no sense in another stack; some configurations have them on.
  return [...lowerOptions, ...upperOptions, 'index=off', 'metacopy=off', 'redirect_dir=off'];
}
