/** Where a files step puts things. */
import type { Unpacker } from '#linux';
import type { OwnerIds } from './owner.ts';
import type { SourceTree } from './source-tree.ts';

export interface Destination {
  /** What is there before. */
  readonly below: SourceTree;
  readonly unpacker: Unpacker;
  /** Of what is made now. */
  readonly nowNs: bigint;
  readonly signal: AbortSignal;
}

/** Folders above a path that are not there yet, with the owner of what goes into them. `mode`: their permission bits. */
export async function makeAbove(
  { below, unpacker, nowNs }: Pick<Destination, 'below' | 'unpacker' | 'nowNs'>,
  path: string,
  owner: OwnerIds,
  mode = 0o755,
): Promise<void> {
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const folder = path.slice(0, at);
    if (await below.stat(folder)) continue;
    unpacker.dir(Buffer.from(folder, 'latin1'), { mode, ...owner, mtimeNs: nowNs });
  }
}
