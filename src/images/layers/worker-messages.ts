/** What the layer unpacker and its worker threads say to each other: plain values that can be cloned. */
import type { Digest, ErrorKind } from '#base';
import type { IdMap } from './id-map.ts';
import type { LayerForm, UnpackedLayer } from './unpack-archive.ts';

/** To the worker: one job at a time, and perhaps its end. */
export type WorkerRequest =
  | {
      readonly type: 'unpack';
      readonly blob: string;
      readonly folder: string;
      readonly helperProgram: string;
      readonly idMap: IdMap | undefined;
      readonly verifiedDigest: Digest | undefined;
      readonly form: LayerForm | undefined;
      readonly wantsProgress: boolean;
    }
  | { readonly type: 'abort' };

/** From the worker: progress, then exactly one of the others. */
export type WorkerReply =
  | { readonly type: 'progress'; readonly blobBytes: number }
  | { readonly type: 'done'; readonly layer: UnpackedLayer }
  | { readonly type: 'failed'; readonly failure: WorkerFailure };

/** An error as it crosses threads: classes and causes do not. */
export interface WorkerFailure {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly cause: string | undefined;
}
