/** What a build of the classic door gets over a session beside it: outputs, caches, secrets and agents of its client. */
import type { Builder, CacheExportWish, ExportWish, ImportedCache, RunGifts } from '#build';
import { type AuthConfig, parseReference } from '#registry';
import { type CacheEntryOption, importCaches, type ImportParts, readCacheExports } from './caches.ts';
import { errors } from './errors.ts';
import { type ExporterEntry, readExports } from './exports.ts';
import { giftsOf } from './gifts.ts';
import type { Session, Sessions } from './sessions.ts';

export interface SessionBuildRequest {
  /** '' for a client without one: then nothing may need it. */
  readonly sessionId: string;
  readonly outputs: readonly ExporterEntry[];
  readonly cacheExports: readonly CacheEntryOption[];
  readonly cacheImports: readonly CacheEntryOption[];
  readonly credentialsOf: (host: string) => AuthConfig;
  readonly signal: AbortSignal;
}

export interface SessionBuild {
  readonly exports: readonly ExportWish[];
  readonly cacheExports: readonly CacheExportWish[];
  readonly hasInlineCache: boolean;
  /** Reads the caches that are to be looked into, those that can be had. */
  readonly openCaches: (progress: ImportParts['progress']) => Promise<ImportedCache[]>;
  readonly gifts: RunGifts | undefined;
  /** Aborted when the session or the request ends. */
  readonly signal: AbortSignal;
}

export interface SessionBuildParts {
  readonly builder: Builder;
  readonly sessions: Sessions;
  readonly runFolder: string;
}

/** Throws `buildkit.badOption`, `buildkit.noSession`. */
export async function openSessionBuild(
  { builder, sessions, runFolder }: SessionBuildParts,
  request: SessionBuildRequest,
): Promise<SessionBuild> {
  const { sessionId, outputs, cacheExports, cacheImports, credentialsOf } = request;
  const isOurs = ({ Type }: ExporterEntry): boolean => !/^(?:local|tar|oci|docker)$/.test(Type);
  if (sessionId === '' && !(outputs.every(isOurs) && [...cacheExports, ...cacheImports].every(isOurs))) {
    throw errors.needsSession();
  }
  const session = sessionId === '' ? undefined : await sessions.get(sessionId);
  const signal = session ? AbortSignal.any([request.signal, session.gone]) : request.signal;
  const paths = {
    session: (): Session => {
      if (!session) throw errors.needsSession();
      return session;
    },
    credentialsFor: async (name: string) => credentialsOf(parseReference(name).host),
    signal,
  };
  const caches = readCacheExports(cacheExports, paths);
  return {
    exports: readExports(outputs, { ...paths, onBytes: () => {} }),
    cacheExports: caches.wishes,
    hasInlineCache: caches.hasInline,
    openCaches: (progress) => importCaches(cacheImports, { ...paths, builder, progress }),
    gifts: session && giftsOf(session, runFolder),
    signal,
  };
}
