/** A thread that unpacks layers, one after the other: see layer-unpacker.ts, which starts it. */
import { parentPort } from 'node:worker_threads';
import { causeChain, messageOf, SkiffError } from '#base';
import { unpackBlob } from './unpack-archive.ts';
import { usedUp } from './used-buffers.ts';
import type { WorkerFailure, WorkerReply, WorkerRequest } from './worker-messages.ts';

type Job = Extract<WorkerRequest, { readonly type: 'unpack' }>;

/** Progress is told at most this often. */
const PROGRESS_BYTES = 1024 * 1024;

const port = parentPort;
if (!port) throw new Error('this is the code of a worker thread');
let abort = new AbortController();

const say = (reply: WorkerReply): void => port.postMessage(reply);

async function work(job: Job): Promise<void> {
  const { blob, folder, helperProgram, idMap, verifiedDigest, form } = job;
  abort = new AbortController();
  let told = 0;
  const onProgress = (blobBytes: number): void => {
    if (blobBytes - told < PROGRESS_BYTES) return;
    told = blobBytes;
    say({ type: 'progress', blobBytes });
  };
  try {
    const more = {
      signal: abort.signal,
      idMap,
      verifiedDigest,
      form,
      onUsed: usedUp,
      onProgress: job.wantsProgress ? onProgress : undefined,
    };
    say({ type: 'done', layer: await unpackBlob(blob, { folder, helperProgram, ...more }) });
  } catch (error) {
    say({ type: 'failed', failure: failureOf(error) });
  }
}

function failureOf(error: unknown): WorkerFailure {
  const cause = error instanceof Error && error.cause !== undefined ? causeChain(error.cause) : undefined;
  if (!(error instanceof SkiffError))
    return { kind: 'internal', code: 'image.unpack', message: messageOf(error), cause };
  return { kind: error.kind, code: error.code, message: error.message, cause };
}

port.on('message', (request: WorkerRequest) => {
  if (request.type === 'abort') abort.abort();
  else void work(request);
});
