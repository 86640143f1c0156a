/** What the builder is asked, and what comes of it. Types only. */
import type { ImageRecord } from '#images';
import type { AttestRequest } from './attest/attest.ts';
import type { ExportTell } from './export/export.ts';
import type { CacheExportWish, ExportFacts, ExportWish } from './export/export-wish.ts';
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
}
