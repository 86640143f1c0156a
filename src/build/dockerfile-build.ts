/** A Dockerfile and files of a client → images: the front end plans, the solver runs the plan, the image store keeps it. */
import { ignoreFileNames, nowNs, parseIgnore, SkiffError } from '#base';
import { hostPlatform, type ImageRecord, type Images } from '#images';
import { type AuthConfig, parseReference } from '#registry';
import { formatPlatform, type Platform } from '#specs';
import type { AttestRequest, UsedImage } from './attest/attest.ts';
import type { BuildOutcome, BuildResult, ExportListener } from './build-work.ts';
import type { Builder } from './builder.ts';
import { checkDockerfile, type DockerfileCheck } from './dockerfile/check.ts';
import type { Dockerfile } from './dockerfile/parse/instruction.ts';
import { parseDockerfile } from './dockerfile/parse/parse-dockerfile.ts';
import type { BuildPlan, BuildRequest, BuildSources, ResolvedImage } from './dockerfile/plan/build-request.ts';
import { planBuild } from './dockerfile/plan/plan-build.ts';
import { errors } from './errors.ts';
import type { CacheExportWish, ExportWish, ImportedCache } from './export/export-wish.ts';
import type { LocalContext } from './files/context-index.ts';
import type { LocalStep, StepId } from './graph.ts';
import type { Tell } from './progress.ts';
import type { RemoteContext } from './remote-context.ts';
import type { RunGifts, RunSettings } from './run/settings.ts';
import type { RunFailure, SolveRequest } from './solve/solving.ts';

export interface DockerfileWork {
  /** The Dockerfile's path in the context, and where its ignore file is looked for. */
  readonly path: string;
  /** Its text, where it is not the context's. */
  readonly text?: string;
  readonly request: Omit<BuildRequest, 'buildPlatform'>;
  /** What is at `request.mainContext`. It stays the caller's. */
  readonly remote?: RemoteContext;
  /** Files by the name of their context. They stay the caller's. */
  readonly contexts: ReadonlyMap<string, ContextFiles>;
  /** What becomes of the result. */
  readonly exports: readonly ExportWish[];
  readonly isList?: boolean;
  readonly cacheExports?: readonly CacheExportWish[];
  readonly hasInlineCache?: boolean;
  /** Asked in this order for what the own cache has not. */
  readonly imported?: readonly ImportedCache[];
  /** Which statements about the build are wanted, and what only the door knows of it. */
  readonly attest?: Pick<AttestRequest, 'wish' | 'record' | 'attributes' | 'invocationId'>;
  readonly onExport?: ExportListener;
  /** See `BuildWork`. */
  readonly beforeExport?: (results: readonly BuildResult[]) => Promise<void>;
  /** What another build has made, for contexts that are `input:NAME`; that build holds it until this one is through. */
  readonly resultOf?: (input: string, platform: Platform) => Promise<BuildResult>;
  readonly settings: RunSettings;
  readonly gifts: RunGifts;
  /** Ask the registry even for images that are here. */
  readonly alwaysPulls: boolean;
  readonly credentialsFor: (reference: string) => AuthConfig | Promise<AuthConfig>;
  /** The plan, before anything of it is run. */
  readonly onPlan: (dockerfile: Dockerfile, plan: BuildPlan) => void;
  /** What is told while base images come. */
  readonly onPull: (line: PullLine) => void;
  readonly tell: Tell;
  /** See `SolveRequest`. */
  readonly onRunFailed?: (failure: RunFailure) => void;
  readonly drained?: () => Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** As much of it as a plan needs. */
export type AskedOfDockerfile = Pick<
  DockerfileWork,
  'path' | 'request' | 'contexts' | 'resultOf' | 'alwaysPulls' | 'credentialsFor' | 'onPull' | 'signal'
>;

/** The files of a context, however they come. */
export interface ContextFiles {
  /** A file's content; undefined when there is none. Throws `build.badContext` above the limit. */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>;
  /** Those a step needs; they stay whose they are. `id` is the step's in the plan. */
  open(step: LocalStep, id: StepId): Promise<LocalContext>;
}

/** All of them are here. */
export const filesOf = (context: LocalContext): ContextFiles => ({
  read: (path, limitBytes) => context.read(path, limitBytes),
  open: async () => context,
});

export interface PullLine {
  readonly reference: string;
  readonly id?: string;
  readonly status: string;
  readonly current?: number;
  readonly total?: number;
}

/** compat: as much as BuildKit reads of one. */
const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

/** Throws what the front end, the registry and the solver throw. */
export async function dockerfileBuild(
  { builder, images }: { readonly builder: Builder; readonly images: Images },
  work: DockerfileWork,
): Promise<BuildOutcome> {
  const { contexts, settings, gifts, tell, signal } = work;
  const startedNs = nowNs();
  const text = work.text ?? (await readDockerfile(work));
  const dockerfile = parseDockerfile(text);
  const used = new Map<string, UsedImage>();
  const plan = await planBuild(dockerfile, requestOf(work), sourcesOf(images, work, used));
  work.onPlan(dockerfile, plan);
  const asked: SolveRequest = {
    graph: plan,
    ...(work.imported ? { imported: work.imported } : {}),
    contextOf: async (step: LocalStep) => {
      const files = contexts.get(step.context);
      if (!files) throw errors.noContext(step.context);
      return files.open(step, plan.steps.indexOf(step));
    },
    // Images were resolved a moment ago: one that is gone by now was removed meanwhile.
    pull: async ({ reference }) => {
      throw errors.notFound(reference);
    },
    given: async ({ input, platform }) => (await givenResult(work, input, platform)).snapshot,
    settings,
    gifts,
    tell,
    ...(work.drained ? { drained: work.drained } : {}),
    ...(work.onRunFailed ? { onRunFailed: work.onRunFailed } : {}),
    fetched: work.remote?.fetched ?? new Map(),
    nowNs: nowNs(),
    signal,
  };
  await using held = new AsyncDisposableStack();
  const epochNs = await epochOf(builder, asked, plan, held);
  return await builder.build({
    ...asked,
    exports: work.exports,
    isList: work.isList ?? false,
    ...(work.cacheExports ? { cacheExports: work.cacheExports } : {}),
    // compat: the build argument is older than `--cache-to type=inline`.
    hasInlineCache: work.hasInlineCache === true || isTrue(work.request.buildArgs?.['BUILDKIT_INLINE_CACHE']),
    ...(work.attest?.wish.sbom ? { alsoNeeded: plan.scans } : {}),
    wantsAll: work.cacheExports?.some(({ form }) => form.isWhole) ?? false,
    ...(work.attest
      ? {
          attest: {
            ...work.attest,
            ...{ dockerfile: { name: work.path, text }, images: used, scans: plan.scans, startedNs },
          },
        }
      : {}),
    ...(work.onExport ? { onExport: work.onExport } : {}),
    ...(work.beforeExport ? { beforeExport: work.beforeExport } : {}),
    ...(epochNs === undefined ? {} : { epochNs, nowNs: epochNs }),
  });
}

const isTrue = (text = ''): boolean => /^(?:1|t|true)$/i.test(text);

/** SOURCE_DATE_EPOCH in nanoseconds; that of a source is known once it is here. Throws `build.noSourceDate`. */
async function epochOf(
  builder: Builder,
  asked: SolveRequest,
  plan: BuildPlan,
  held: AsyncDisposableStack,
): Promise<bigint | undefined> {
  const date = plan.sourceDate;
  if (date?.kind !== 'step') return date && BigInt(date.seconds) * 1_000_000_000n;
  // What was fetched for it is what the build has: it stays as long.
  const source = held.use(await builder.openStep({ ...asked, tell: () => {} }, date.step));
  if (source.timeNs === undefined) throw errors.noSourceDate(plan.steps[date.step]!.name);
  // compat: whole seconds, as the variable has them.
  return source.timeNs - (source.timeNs % 1_000_000_000n);
}

/** What `--check` says of it: images are looked at as for a build, and nothing is run. */
export async function lintDockerfile(
  { images }: { readonly images: Images },
  work: AskedOfDockerfile & { readonly text: string },
): Promise<DockerfileCheck> {
  return checkDockerfile(work.text, requestOf(work), sourcesOf(images, work));
}

const requestOf = ({ request }: AskedOfDockerfile): BuildRequest => ({ ...request, buildPlatform: hostPlatform() });

function sourcesOf(images: Images, work: AskedOfDockerfile, used = new Map<string, UsedImage>()): BuildSources {
  const pulled = new Map<string, Promise<ImageRecord>>();
  return {
    resolveImage: async (reference, platform) => {
      const key = `${reference} ${formatPlatform(platform)}`;
      const image = await pulled.getOrInsertComputed(key, () => resolve(images, work, reference, platform));
      used.set(`${image.id} ${formatPlatform(platform)}`, usedImage(image, reference, platform));
      return described(image);
    },
    resolveResult: (input, platform) => givenResult(work, input, platform),
    ignorePatterns: (context) => ignorePatterns(work, context),
  };
}

/** Throws `build.notFound` where there are no other builds. */
async function givenResult({ resultOf }: AskedOfDockerfile, input: string, platform: Platform): Promise<BuildResult> {
  if (!resultOf) throw errors.notFound(`input:${input}`);
  return resultOf(input, platform);
}

async function readDockerfile({ contexts, path, remote }: DockerfileWork): Promise<string> {
  const inside = path.replace(/^\.?\/+/, '');
  const content = await (remote ?? contexts.get('context'))?.read(inside, MAX_DOCKERFILE_BYTES);
  if (content === undefined) throw errors.noDockerfile(path);
  if (content.length === 0) throw errors.emptyDockerfile(path);
  return content.toString('utf8');
}

/** compat: of the Dockerfile's own ignore file, or the context's. */
async function ignorePatterns({ contexts, path }: AskedOfDockerfile, context: string): Promise<readonly string[]> {
  const files = contexts.get(context);
  for (const name of context === 'context' ? ignoreFileNames(path) : ['.dockerignore']) {
    const text = await files?.read(name, MAX_DOCKERFILE_BYTES);
    if (text) return parseIgnore(text.toString('utf8'));
  }
  return [];
}

/** The image that is here, or a registry's. */
async function resolve(
  images: Images,
  work: AskedOfDockerfile,
  reference: string,
  platform: Platform,
): Promise<ImageRecord> {
  if (reference.startsWith('oci-layout:')) throw errors.noOciLayout(reference);
  const here = work.alwaysPulls ? undefined : await localImage(images, reference, platform);
  if (here) return here;
  const [image] = await images.pull(reference, {
    platform,
    credentials: await work.credentialsFor(reference),
    signal: work.signal,
    onProgress: ({ id, status, current, total }) =>
      work.onPull({
        reference,
        id,
        status,
        ...(current === undefined ? {} : { current }),
        ...(total === undefined ? {} : { total }),
      }),
    onStatus: (status, id) => work.onPull({ reference, status, ...(id === undefined ? {} : { id }) }),
  });
  if (!image) throw errors.notFound(reference);
  return image;
}

/** For that platform; undefined when it is not here. */
async function localImage(images: Images, reference: string, platform: Platform): Promise<ImageRecord | undefined> {
  if (!(await images.find(reference))) return undefined;
  try {
    return await images.forPlatform(reference, platform);
  } catch (error) {
    if (error instanceof SkiffError && error.code === 'image.otherPlatform') return undefined;
    throw error;
  }
}

/** Its digest is that of what a registry has under the name, or of the manifest it was loaded with. */
function usedImage({ repoDigests, manifests }: ImageRecord, name: string, platform: Platform): UsedImage {
  const prefix = `${parseReference(name).name}@`;
  const known = repoDigests.find((each) => each.startsWith(prefix))?.slice(prefix.length);
  return { name, platform, digest: known ?? manifests[0]?.digest };
}

function described({ id, platform, config, history, author }: ImageRecord): ResolvedImage {
  return { reference: id, platform, config, history, author };
}
