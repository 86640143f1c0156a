/** What the builder is asked, and what comes of it. Types only. */
import type { ImageRecord } from '#images';
import type { Attestation } from './attest/attestation.ts';
import type { AttestRequest } from './attest/attest.ts';
import type { ExportTell } from './export/export.ts';
import type { CacheExportWish, ExportFacts, ExportWish } from './export/export-wish.ts';
import type { BuildOutput } from './graph.ts';
import type { Snapshot } from './solve/result.ts';
import type { SolveRequest } from './solve/solving.ts';

export interface BuildWork extends SolveRequest {
  /** What becomes of the result, one after the other. */
  readonly exports: readonly ExportWish[];
  /** Several platforms were asked for, or one as a list of one. */
  readonly isList?: boolean;
  readonly cacheExports?: readonly CacheExportWish[];
  /** compat: records of the cache in the config of images that are exported. */
  readonly hasInlineCache?: boolean;
  /** Statements about each output. */
  readonly attest?: AttestRequest;
  readonly onExport?: ExportListener;
  /** Told what was made, one per platform, which is held meanwhile; exports begin when it is through. */
  readonly beforeExport?: (results: readonly BuildResult[]) => Promise<void>;
}

/** What a build has made, before anything becomes of it: what another one can begin with. */
export interface BuildResult extends Omit<BuildOutput, 'root'> {
  readonly snapshot: Snapshot;
}

/** Watches exports; `name` is that of one, such as `exporting to image`. */
export interface ExportListener {
  during<Result>(name: string, work: (tell: ExportTell) => Promise<Result>): Promise<Result>;
}

export interface BuildOutcome {
  /** Those that are in the image store now. */
  readonly images: readonly ImageRecord[];
  /** What clients read of it: `containerimage.digest` and the like. */
  readonly facts: ExportFacts;
  /** For the build's record, where it was asked for: by the id of the platform. */
  readonly origins: ReadonlyMap<string, Attestation>;
}
