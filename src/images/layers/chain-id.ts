/**
 * The name of a stack of layers: two images share what lies below a layer exactly when its ChainIDs are the same.
 *
 * spec: OCI image-spec, config.md, "Layer ChainID".
 */
import { type Digest, digestOf } from '#base';

/** Of DiffIDs, lowest first, at least one. */
export function chainIdOf(diffIds: readonly [Digest, ...Digest[]]): Digest {
  const [first, ...rest] = diffIds;
  return rest.reduce((below, diffId) => digestOf(`${below} ${diffId}`), first);
}
