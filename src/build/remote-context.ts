/**
 * A build context that is somewhere else: a git repository, or an archive or a Dockerfile behind a URL. It is fetched before the
 * Dockerfile can be read, and the build that follows has the same of it.
 */
import { nowNs } from '#base';
import type { Builder } from './builder.ts';
import { parseGitUrl } from './dockerfile/plan/git-url.ts';
import { GraphWriter } from './dockerfile/plan/graph-writer.ts';
import { SourceSteps } from './dockerfile/plan/source-steps.ts';
import { errors } from './errors.ts';
import { defaultRunSettings, type RunGifts } from './run/settings.ts';
import type { FetchedSources } from './solve/solving.ts';

export interface RemoteContext extends AsyncDisposable {
  /** As `ContextFiles.read`; of a URL that is a Dockerfile, that. */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>;
  readonly fetched: FetchedSources;
}

export interface RemoteContextRequest {
  /** As `BuildRequest.mainContext`. */
  readonly url: string;
  readonly keepsGitFolder: boolean;
  readonly gifts: RunGifts;
  readonly signal: AbortSignal;
}

/** Where the step that unpacks a download leaves what is no archive. */
const DOWNLOADED = 'context';

/** Throws `dockerfile.gitUrl`, `dockerfile.badContext`, and what fetching throws. */
export async function openRemoteContext(builder: Builder, request: RemoteContextRequest): Promise<RemoteContext> {
  const { url, keepsGitFolder, gifts, signal } = request;
  const graph = new GraphWriter();
  const sources = new SourceSteps(graph, noSources, url, keepsGitFolder);
  const step = await sources.context();
  const fetched: FetchedSources = new Map();
  const opened = await builder.openStep(
    {
      graph: { steps: graph.finish([step]), outputs: [] },
      contextOf: async ({ context }) => {
        throw errors.noContext(context);
      },
      pull: async ({ reference }) => {
        throw errors.notFound(reference);
      },
      settings: defaultRunSettings,
      gifts,
      tell: () => {},
      fetched,
      nowNs: nowNs(),
      signal,
    },
    step,
  );
  const isDownload = parseGitUrl(url) === undefined;
  return {
    fetched,
    read: async (path, limitBytes) =>
      (await opened.read(path, limitBytes)) ?? (isDownload ? await opened.read(DOWNLOADED, limitBytes) : undefined),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A remote context needs neither images nor files of the client. */
const noSources = {
  resolveImage: async (reference: string): Promise<never> => {
    throw errors.notFound(reference);
  },
  resolveResult: async (input: string): Promise<never> => {
    throw errors.notFound(input);
  },
  ignorePatterns: async (): Promise<readonly string[]> => [],
};
