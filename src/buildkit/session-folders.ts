/** Dockerfile and context that a client of the classic door offers over its session (`remote=client-session`). */
import type { Builder, ContextFiles } from '#build';
import { ClientFiles } from './client-files.ts';
import type { RecordedBuild } from './history/recorded-build.ts';
import type { Sessions } from './sessions.ts';
import { readWish } from './wish.ts';

export interface SessionFoldersRequest {
  readonly sessionId: string;
  /** As a front end's are called: `filename`, `build-arg:NAME`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Hears how much has come. */
  readonly record: RecordedBuild;
  readonly signal: AbortSignal;
}

export interface SessionFolders extends AsyncDisposable {
  /** The Dockerfile. */
  readonly text: string;
  readonly contexts: Map<string, ContextFiles>;
}

/** Throws `buildkit.noSession`, and what a client throws that does not have the Dockerfile. */
export async function openSessionFolders(
  { builder, sessions }: { readonly builder: Builder; readonly sessions: Sessions },
  { sessionId, attributes, record, signal }: SessionFoldersRequest,
): Promise<SessionFolders> {
  const session = await sessions.get(sessionId);
  const wish = readWish(attributes, []);
  const { progress } = record;
  const files = new ClientFiles({ builder, session, wish, progress, signal: AbortSignal.any([signal, session.gone]) });
  try {
    const text = await files.dockerfile(undefined);
    return { text, contexts: files.contexts(), [Symbol.asyncDispose]: () => files[Symbol.asyncDispose]() };
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}
