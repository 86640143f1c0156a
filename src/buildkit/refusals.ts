/** What a build fails with → gRPC statuses, with the place in the Dockerfile, which clients show an excerpt of. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type ErrorKind, messageOf, SkiffError } from '#base';
import type { SourceRange } from '#build';
import { GrpcError, grpcCode } from '#rpc/grpc';
import { rpc } from '#specs/buildkit';
import type { SourceFile } from './progress-of-build.ts';

/** compat: clients put the name of the code before the message, unless it is unknown. */
const codes: Readonly<Record<ErrorKind, number>> = {
  'not-found': grpcCode.notFound,
  invalid: grpcCode.unknown,
  conflict: grpcCode.alreadyExists,
  'not-modified': grpcCode.unknown,
  unauthorized: grpcCode.unauthenticated,
  forbidden: grpcCode.permissionDenied,
  unavailable: grpcCode.unavailable,
  'not-implemented': grpcCode.unimplemented,
  cancelled: grpcCode.cancelled,
  deadline: grpcCode.deadlineExceeded,
  internal: grpcCode.unknown,
};

/** Of anything thrown. */
export function plainRefusal(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  return new GrpcError(error instanceof SkiffError ? codes[error.kind] : grpcCode.unknown, messageOf(error));
}

export interface Place {
  readonly file: SourceFile;
  /** Of the step that failed; '' for none. */
  readonly vertex: string;
  readonly range: SourceRange | undefined;
}

const OF_BUILDS: ReadonlySet<number> = new Set([
  grpcCode.cancelled,
  grpcCode.unimplemented,
  grpcCode.unavailable,
  grpcCode.unauthenticated,
]);

/** With the lines it is about: those the front end names, or those of the step. */
export function refusal(error: unknown, { file, vertex, range }: Place): GrpcError {
  const plain = plainRefusal(error);
  const { message } = plain;
  // compat: what a build lacks is no call that lacks something.
  const code = OF_BUILDS.has(plain.code) ? plain.code : grpcCode.unknown;
  const lines = rangeOf(error) ?? range;
  const details = [
    ...(vertex === '' ? [] : [detail('errdefs.Vertex', { digest: vertex })]),
    ...(lines ? [detail('errdefs.Source', sourceOf(file, lines))] : []),
  ];
  const status = create(rpc.StatusSchema, { code, message, details });
  return new GrpcError(code, message, toBinary(rpc.StatusSchema, status));
}

/** The lines an error of the front end is about. */
export function rangeOf(error: unknown): SourceRange | undefined {
  if (!(error instanceof SkiffError)) return undefined;
  const { line, endLine } = error.details;
  return typeof line === 'number' ? { start: line, end: typeof endLine === 'number' ? endLine : line } : undefined;
}

function sourceOf({ name, text }: SourceFile, { start, end }: SourceRange): object {
  return {
    info: { filename: name, data: Buffer.from(text).toString('base64'), language: 'Dockerfile' },
    ranges: [{ start: { line: start }, end: { line: end } }],
  };
}

/** compat: typed as BuildKit's, in JSON. */
function detail(type: string, value: object): { typeUrl: string; value: Uint8Array } {
  return { typeUrl: `github.com/moby/buildkit/${type}+json`, value: Buffer.from(JSON.stringify(value)) };
}
