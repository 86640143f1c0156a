/** Refusals as the specification's JSON, each with its status and code. spec: distribution-spec, Error Codes. */
import { causeChain, type Log, messageOf, SkiffError } from '#base';
import type { Outgoing } from '#rpc';

interface Answer {
  readonly status: number;
  readonly code: string;
}

const NAME_INVALID = { status: 400, code: 'NAME_INVALID' };
const DIGEST_INVALID = { status: 400, code: 'DIGEST_INVALID' };
const MANIFEST_INVALID = { status: 400, code: 'MANIFEST_INVALID' };
const UNSUPPORTED = { status: 405, code: 'UNSUPPORTED' };
/** compat: a registry code that the specification does not list. */
const UNAVAILABLE = { status: 503, code: 'UNAVAILABLE' };

/** By the code of the error. What is not here is our own failure. */
const answers: Readonly<Record<string, Answer>> = {
  'distribution.nameInvalid': NAME_INVALID,
  'distribution.nameUnknown': { status: 404, code: 'NAME_UNKNOWN' },
  'distribution.tagInvalid': MANIFEST_INVALID,
  'distribution.digestInvalid': DIGEST_INVALID,
  'distribution.algorithmUnknown': DIGEST_INVALID,
  'distribution.blobUnknown': { status: 404, code: 'BLOB_UNKNOWN' },
  'distribution.manifestUnknown': { status: 404, code: 'MANIFEST_UNKNOWN' },
  'distribution.manifestBlobUnknown': { status: 404, code: 'MANIFEST_BLOB_UNKNOWN' },
  'distribution.manifestInvalid': MANIFEST_INVALID,
  'distribution.manifestTooLarge': { status: 413, code: 'MANIFEST_INVALID' },
  'distribution.sizeInvalid': { status: 400, code: 'SIZE_INVALID' },
  'distribution.digestMismatch': DIGEST_INVALID,
  'distribution.tagsWithTag': MANIFEST_INVALID,
  'distribution.tooManyTags': { status: 414, code: 'MANIFEST_INVALID' },
  'distribution.uploadUnknown': { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' },
  'distribution.uploadInvalid': { status: 400, code: 'BLOB_UPLOAD_INVALID' },
  'distribution.rangeInvalid': { status: 416, code: 'BLOB_UPLOAD_INVALID' },
  'distribution.rangeUnsatisfiable': { status: 416, code: 'BLOB_UNKNOWN' },
  // compat: distribution's own code.
  'distribution.pageInvalid': { status: 400, code: 'PAGINATION_NUMBER_INVALID' },
  'distribution.unauthorized': { status: 401, code: 'UNAUTHORIZED' },
  'distribution.readOnly': UNSUPPORTED,
  'distribution.isCache': UNSUPPORTED,
  'distribution.noDelete': UNSUPPORTED,
  'distribution.methodUnknown': UNSUPPORTED,
  'distribution.routeUnknown': { status: 404, code: 'UNSUPPORTED' },
  'distribution.upstreamFailed': { status: 502, code: 'UNAVAILABLE' },
  'distribution.tooManyRequests': { status: 429, code: 'TOOMANYREQUESTS' },
  'oci.notJson': MANIFEST_INVALID,
  'oci.malformed': MANIFEST_INVALID,
  'oci.tooDeep': MANIFEST_INVALID,
  'oci.schema1': MANIFEST_INVALID,
  'oci.unknownType': MANIFEST_INVALID,
  'content.wrongDigest': DIGEST_INVALID,
  'content.wrongSize': { status: 400, code: 'SIZE_INVALID' },
  'content.busy': { status: 409, code: 'BLOB_UPLOAD_INVALID' },
};
/** For a blob, or for a record. */
const DISK_FULL = ['content.noSpace', 'records.noSpace'];
const NO_SPACE = { status: 507, code: 'UNAVAILABLE' };

export function answerFor(thrown: unknown): Answer {
  if (!(thrown instanceof SkiffError)) return { status: 500, code: 'UNKNOWN' };
  if (DISK_FULL.includes(thrown.code)) return NO_SPACE;
  return answers[thrown.code] ?? (thrown.kind === 'unavailable' ? UNAVAILABLE : { status: 500, code: 'UNKNOWN' });
}

/** What is our own failure is logged with its causes, and told without them. */
export function sendError(response: Outgoing, thrown: unknown, log: Log): void {
  const { status, code } = answerFor(thrown);
  if (status >= 500) log.error('request failed', { error: causeChain(thrown) });
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const message = status === 500 ? 'the registry failed; its log says why' : messageOf(thrown);
  const body = Buffer.from(`${JSON.stringify({ errors: [{ code, message }] })}\n`);
  // What an answer would have said does not go with a refusal.
  for (const name of ['Content-Length', 'ETag', 'Cache-Control']) response.removeHeader(name);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}
