/**
 * Where a build came from: SLSA's predicate, version 1 or 0.2, as BuildKit fills it in. Pure.
 *
 * compat: the small form says which inputs there were; the large one also arguments, the steps, and the Dockerfile itself.
 */
import { formatPlatform, type Platform } from '#specs';
import type { BuildGraph, Step, StepId } from '../graph.ts';
import { parseGitUrl } from '../dockerfile/plan/git-url.ts';
import { inputsOf } from '../solve/result.ts';
import type { Attestation } from './attestation.ts';
import type { ProvenanceWish } from './attest-wish.ts';

/** Something a build took from elsewhere. */
export interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

export interface ProvenanceFacts {
  readonly wish: ProvenanceWish;
  readonly graph: Pick<BuildGraph, 'steps'>;
  /** The steps that were needed. */
  readonly needed: readonly StepId[];
  readonly materials: readonly Material[];
  /** Attributes of the front end, as the client sent them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly dockerfile: { readonly name: string; readonly text: string };
  readonly builderPlatform: Platform;
  readonly targetPlatform: Platform;
  readonly invocationId: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

const TYPE_1 = 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md';
const TYPE_02 = 'https://mobyproject.org/buildkit@v1';
const METADATA_02 = 'https://mobyproject.org/buildkit@v1#metadata';
const HERMETIC_02 = 'https://mobyproject.org/buildkit@v1#hermetic';

export function provenance(facts: ProvenanceFacts): Attestation {
  const { wish } = facts;
  return {
    predicateType: `https://slsa.dev/provenance/${wish.version}`,
    isInlineOnly: wish.isInlineOnly,
    fileName: wish.fileName,
    predicate: wish.version === 'v1' ? predicate1(facts) : predicate02(facts),
  };
}

function predicate1(facts: ProvenanceFacts): object {
  const { wish, materials, builderPlatform, targetPlatform } = facts;
  const { configSource, request, isComplete, isHermetic, hasAllRequest } = invocation(facts);
  const isWhole = wish.mode === 'max';
  return {
    buildDefinition: {
      buildType: TYPE_1,
      externalParameters: { configSource, request },
      internalParameters: {
        ...(isWhole ? { buildConfig: buildConfig(facts) } : {}),
        builderPlatform: formatPlatform(builderPlatform),
        targetPlatform: formatPlatform(targetPlatform),
      },
      resolvedDependencies: materials,
    },
    runDetails: {
      builder: { id: wish.builderId },
      metadata: {
        invocationId: facts.invocationId,
        startedOn: facts.startedAt,
        finishedOn: facts.finishedAt,
        buildkit_metadata: metadata(facts),
        ...(isHermetic ? { buildkit_hermetic: true } : {}),
        buildkit_completeness: { request: hasAllRequest, resolvedDependencies: isComplete },
        ...(wish.isReproducible ? { buildkit_reproducible: true } : {}),
      },
    },
  };
}

function predicate02(facts: ProvenanceFacts): object {
  const { wish, materials, builderPlatform } = facts;
  const { configSource, request, isComplete, isHermetic, hasAllRequest } = invocation(facts);
  const { path, ...source } = configSource;
  return {
    builder: { id: wish.builderId },
    buildType: TYPE_02,
    materials,
    invocation: {
      configSource: { ...source, ...(path === undefined ? {} : { entryPoint: path }) },
      parameters: request,
      environment: { platform: formatPlatform(builderPlatform) },
    },
    ...(wish.mode === 'max' ? { buildConfig: buildConfig(facts) } : {}),
    metadata: {
      buildInvocationID: facts.invocationId,
      buildStartedOn: facts.startedAt,
      buildFinishedOn: facts.finishedAt,
      completeness: { parameters: hasAllRequest, environment: true, materials: isComplete },
      reproducible: wish.isReproducible,
      [METADATA_02]: metadata(facts),
      ...(isHermetic ? { [HERMETIC_02]: true } : {}),
    },
  };
}

interface Invocation {
  readonly configSource: { readonly uri?: string; readonly digest?: Material['digest']; readonly path?: string };
  readonly request: object;
  /** Whether all that was taken is named by digest. */
  readonly isComplete: boolean;
  readonly isHermetic: boolean;
  readonly hasAllRequest: boolean;
}

const HOST_SPECIFIC = new Set(['cgroup-parent', 'image-resolve-mode', 'platform', 'cache-imports', 'filename']);

function invocation({ graph, needed, attributes, wish, materials }: ProvenanceFacts): Invocation {
  const steps = needed.map((id) => graph.steps[id]!);
  const locals = new Set(steps.flatMap((step) => (step.kind === 'local' ? [step.context] : [])));
  const context = attributes['context'] ?? '';
  const isUpload = /^https?:\/\/buildkit-session\//.test(context);
  const isRemote = context !== '' && !isUpload;
  const given = Object.entries(attributes).map(([name, value]) =>
    name.startsWith('context:') ? ([name, withoutPassword(value)] as const) : ([name, value] as const),
  );
  const kept = given.filter(([name]) => {
    if (HOST_SPECIFIC.has(name) || name === 'context' || /^(?:attest:|local-sessionid:|sharedkey:|vcs:)/.test(name))
      return false;
    return wish.mode === 'max' || !/^(?:build-arg|label):/.test(name);
  });
  const isScrubbed = wish.mode === 'min' && Object.keys(attributes).some((name) => /^(?:build-arg|label):/.test(name));
  const secrets = new Map<string, object>();
  const agents = new Map<string, object>();
  for (const step of steps) {
    for (const mount of step.kind === 'run' ? step.mounts : []) {
      const optional = 'isRequired' in mount && !mount.isRequired ? { optional: true } : {};
      if (mount.kind === 'secret') secrets.set(mount.id, { id: mount.id, ...optional });
      if (mount.kind === 'ssh') agents.set(mount.id, { id: mount.id, ...optional });
    }
  }
  const isMax = wish.mode === 'max';
  // What went into another build's result is said by its own statement.
  const hasResults = steps.some(({ kind }) => kind === 'result');
  const isComplete = locals.size === 0 && !isUpload && !hasResults;
  return {
    configSource: {
      ...(isRemote ? configFrom(context, materials) : {}),
      path: attributes['filename'] || 'Dockerfile',
    },
    request: {
      frontend: 'dockerfile.v0',
      ...(kept.length === 0 ? {} : { args: Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1))) }),
      ...(isMax && secrets.size > 0 ? { secrets: [...secrets.values()] } : {}),
      ...(isMax && agents.size > 0 ? { ssh: [...agents.values()] } : {}),
      ...(locals.size === 0 ? {} : { locals: [...locals].map((name) => ({ name })) }),
    },
    isComplete,
    isHermetic: isComplete && steps.every((step) => step.kind !== 'run' || step.network === 'none'),
    hasAllRequest: !isScrubbed && (isMax || (secrets.size === 0 && agents.size === 0)),
  };
}

/** Of a context that is somewhere else; which commit or file it was, if a step had it. */
function configFrom(context: string, materials: readonly Material[]): { uri: string; digest?: Material['digest'] } {
  const git = parseGitUrl(context);
  const uri = git ? gitUri(git) : withoutPassword(context);
  const digest = materials.find((material) => material.uri === uri)?.digest;
  const subfolder = git?.subfolder.replace(/^\/+/, '') ?? '';
  const inside = subfolder === '' ? '' : `${uri.includes('#') ? '' : '#'}:${subfolder}`;
  return { uri: uri + inside, ...(digest === undefined ? {} : { digest }) };
}

/** compat: the fragment is the reference, the folder is no part of it. */
export function gitUri({ url, ref }: { readonly url: string; readonly ref: string }): string {
  return `${withoutPassword(url)}${ref === '' ? '' : `#${ref}`}`;
}

/** Statements are for everybody: no password of an address gets into them. */
export function withoutPassword(address: string): string {
  return address.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1xxxxx@');
}

function metadata({ attributes, wish, graph, needed, dockerfile }: ProvenanceFacts): object {
  const vcs = Object.fromEntries(
    Object.entries(attributes)
      .filter(([name, value]) => name.startsWith('vcs:') && value !== '')
      .map(([name, value]) => [name.slice('vcs:'.length), name === 'vcs:source' ? withoutPassword(value) : value]),
  );
  const locations = needed.flatMap((id) => {
    const { source } = graph.steps[id]!;
    if (!source) return [];
    const ranges = [{ start: { line: source.start }, end: { line: source.end } }];
    return [[`step${id}`, { locations: [{ ranges }] }] as const];
  });
  const data = Buffer.from(dockerfile.text).toString('base64');
  const infos = [{ filename: dockerfile.name, language: 'Dockerfile', data }];
  return {
    ...(Object.keys(vcs).length === 0 ? {} : { vcs }),
    ...(wish.mode === 'max' ? { source: { locations: Object.fromEntries(locations), infos } } : {}),
  };
}

function buildConfig({ graph, needed }: ProvenanceFacts): object {
  return {
    llbDefinition: needed.map((id) => {
      const step = graph.steps[id]!;
      const inputs = inputsOf(step).map((input) => `step${input}:0`);
      return { id: `step${id}`, op: { Op: operation(step) }, ...(inputs.length === 0 ? {} : { inputs }) };
    }),
  };
}

/** compat: in the words of BuildKit's operations, as far as they have some. */
function operation(step: Step): object {
  switch (step.kind) {
    case 'image':
      return { source: { identifier: `docker-image://${step.reference}` } };
    case 'result':
      return { source: { identifier: `input:${step.input}` } };
    case 'local':
      return { source: { identifier: `local://${step.context}` } };
    case 'git':
      return { source: { identifier: `git://${withoutPassword(step.url)}#${step.ref}` } };
    case 'http':
      return { source: { identifier: withoutPassword(step.url) } };
    case 'run':
      return {
        exec: { meta: { args: step.argv, env: step.environment, cwd: step.workingDirectory, user: step.user } },
      };
    case 'files':
      return { file: { actions: step.actions.map(fileAction) } };
    case 'merge':
      return { merge: { inputs: step.layers.map((_, input) => ({ input })) } };
  }
}

function fileAction(action: Extract<Step, { kind: 'files' }>['actions'][number]): object {
  switch (action.kind) {
    case 'copy':
      return { copy: { src: action.sources.join(' '), dest: action.target } };
    case 'write':
      return { mkfile: { path: action.path } };
    case 'make-folder':
      return { mkdir: { path: action.path, mode: action.mode } };
  }
}
