/** Requests with a body that can be sent once only. */
import type { Answer, Call, Transport } from './transport.ts';

/** What the stream itself fails with is thrown, not the broken connection. */
export async function sendStream(
  transport: Transport,
  method: 'POST' | 'PUT',
  path: string,
  call: Call,
): Promise<Answer> {
  const { stream } = call;
  // It may fail before it is asked for anything; what it fails with is told below.
  stream?.on('error', () => {});
  // The daemon has to be there before.
  if (stream) await transport.status('HEAD', '/_ping');
  if (stream?.errored) throw stream.errored;
  return transport.open(method, path, { contentType: 'application/x-tar', ...call }).catch((error: unknown) => {
    throw stream?.errored ?? error;
  });
}
