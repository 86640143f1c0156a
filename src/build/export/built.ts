/** What a build has made, while its layers are held: what exports work from. */
import type { ImageExport, ImageRecord, LayerKey } from '#images';
import type { HostFacts } from '#linux';
import type { BuildOutput } from '../graph.ts';
import type { Attestation } from '../attest/attestation.ts';

export interface BuiltOutput extends BuildOutput {
  /** Lowest first. */
  readonly layers: readonly LayerKey[];
  /** compat: how platforms are called in metadata and folders, `linux/amd64`. */
  readonly platformId: string;
}

export interface Built {
  readonly outputs: readonly BuiltOutput[];
  /** Several platforms were asked for, or one as a list of one: then results are lists. */
  readonly isList: boolean;
  /** SOURCE_DATE_EPOCH. */
  readonly epochNs: bigint | undefined;
  /** By platform id. */
  readonly attestations: ReadonlyMap<string, readonly Attestation[]>;
  /** Records of the cache for an image's config; undefined where none are wanted. */
  readonly inlineCache: ((layers: readonly LayerKey[]) => string | undefined) | undefined;
  readonly exporter: ImageExport;
  /** The folders of layers, topmost first. */
  readonly folders: (layers: readonly LayerKey[]) => string[];
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
  /** An output as an image of the store. */
  readonly store: (output: BuiltOutput, names: readonly string[]) => Promise<ImageRecord>;
  readonly signal: AbortSignal;
}
