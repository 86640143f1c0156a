/** A stack of layer folders as one tree: read through an overlay that only the reading helper sees. */
import { type HostFacts, openTreeReader, type TreeReader } from '#linux';
import { overlayOptions } from '../snapshots/overlay-options.ts';

export interface Stack {
  /** Topmost first, at least one. */
  readonly folders: readonly string[];
  readonly facts: Pick<HostFacts, 'kernel'>;
  /** Where it is not the usual one. */
  readonly helperProgram?: string;
}

/** A single folder is read as it is, whiteouts and all. */
export function openStack({ folders, facts, helperProgram }: Stack): TreeReader {
  const [top, below] = folders;
  if (top === undefined) throw new RangeError('a stack without folders');
  const tree = {
    folder: top,
    ...(below === undefined ? {} : { overlayOptions: overlayOptions({ lowers: folders }, facts) }),
  };
  return openTreeReader(tree, helperProgram === undefined ? {} : { program: helperProgram });
}
