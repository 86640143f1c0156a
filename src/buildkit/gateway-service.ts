/**
 * moby.buildkit.v1.frontend.LLBBridge: what the client's own function asks while its build is open. A result is lazy: it
 * stands for the wish, which is carried out when the function returns it.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type GrpcCall, GrpcError, type GrpcHandler, unary } from '#rpc/grpc';
import { gateway, rpc } from '#specs/buildkit';
import type { BuildsUnderWay, BuildUnderWay } from './builds.ts';
import { errors } from './errors.ts';
import { resultDefinition, resultIdOf } from './result-definition.ts';
import { answerAbout, type SolveParts } from './solve-build.ts';
import { workerRecord } from './worker.ts';

/** compat: how long a call waits for the build it names. */
const BUILD_WAIT_MS = 3000;

/** Frontend capabilities that are there. */
const FRONTEND = [
  ...['solve.base', 'return', 'returnmap', 'proto.refarray', 'reference.output', 'frontend.inputs', 'frontend.caps'],
  ...['gateway.solve.metadata', 'gateway.solve.evaluate', 'gateway.evaluate', 'importcaches'],
];
/** What the front end here can make of a Dockerfile; clients ask for few of them. */
const LLB = [
  ...[
    'source.image',
    'source.image.resolvemode',
    'source.local',
    'source.local.sessionid',
    'source.local.excludepatterns',
  ],
  ...['source.local.followpaths', 'source.local.sharedkeyhint', 'source.http', 'source.http.checksum'],
  ...['exec.meta.base', 'exec.meta.network', 'exec.meta.proxyenv', 'exec.meta.security', 'exec.meta.ulimit'],
  ...['exec.meta.cgroup.parent', 'exec.meta.linux.resources', 'exec.mount.bind', 'exec.mount.cache'],
  ...['exec.mount.cache.sharing', 'exec.mount.tmpfs', 'exec.mount.tmpfs.size', 'exec.mount.secret', 'exec.mount.ssh'],
  'constraints',
  ...['source.git', 'source.git.keepgitdir', 'source.git.fullurl', 'source.git.httpauth', 'source.git.mountsshsock'],
  ...['source.git.subdir', 'source.git.checksum', 'source.git.skipsubmodules', 'source.git.mtime'],
  // Hosts are noted for the time of a fetch; clients give what they know of them with the graphs of their own looks.
  ...['source.git.fetchbycommit', 'source.git.knownsshhosts'],
  ...['exec.secretenv', 'file.base', 'platform', 'meta.ignorecache', 'meta.description', 'mergeop'],
  ...['exporter.image.annotations', 'exporter.image.attestations', 'exporter.sourcedateepoch', 'exporter.multiple'],
];

export interface GatewayParts extends SolveParts {
  readonly builds: BuildsUnderWay;
  readonly version: string;
}

export function gatewayHandlers(parts: GatewayParts): Record<string, GrpcHandler> {
  const { builds, version } = parts;
  const { method } = gateway.LLBBridge;
  const buildOf = ({ metadata }: GrpcCall): Promise<BuildUnderWay> =>
    builds.get(String(metadata['buildkit-controlapi-buildid'] ?? ''), BUILD_WAIT_MS);
  return {
    ping: unary(method.ping, async (_request, call) => {
      await buildOf(call);
      const enabled = (ID: string) => ({ ID, Enabled: true });
      return create(gateway.PongResponseSchema, {
        FrontendAPICaps: FRONTEND.map(enabled),
        LLBCaps: LLB.map(enabled),
        Workers: [workerRecord(version)],
      });
    }),
    solve: unary(method.solve, async (request, call) => {
      const build = await buildOf(call);
      checkFrontEnd(request);
      const { Frontend: frontend, FrontendOpt: attributes } = request;
      const wish = { frontend, attributes, inputs: inputsOf(request) };
      const question = attributes['requestid'] ?? '';
      if (question !== '') {
        const asked = { build, wish, entitlements: [], signal: call.signal };
        const metadata = await answerAbout(parts, asked, question);
        return create(gateway.SolveResponseSchema, { result: { metadata } });
      }
      const id = build.wish(wish);
      const value = { id, def: resultDefinition(id) };
      return create(gateway.SolveResponseSchema, { result: { result: { case: 'ref', value } } });
    }),
    // Of targets that begin with each other: one's build stays open until the other has evaluated its own.
    evaluate: unary(method.evaluate, async ({ Ref }, call) => {
      const build = await buildOf(call);
      await build.evaluate(Ref).results;
      return create(gateway.EvaluateResponseSchema);
    }),
    inputs: unary(method.inputs, async (_request, call) => {
      await buildOf(call);
      return create(gateway.InputsResponseSchema);
    }),
    return: unary(method.return, async ({ result, error }, call) => {
      const build = await buildOf(call);
      // With its details: the lines it is about.
      const failure = error && new GrpcError(error.code, error.message, toBinary(rpc.StatusSchema, error));
      if (failure) build.end({ kind: 'failure', error: failure });
      else build.end(returnedBy(build, result));
      return create(gateway.ReturnResponseSchema);
    }),
  };
}

/** The Dockerfile's, by its name or as the image of the same. Throws `buildkit.unsupported`. */
function checkFrontEnd({ Frontend, FrontendOpt, Definition }: gateway.SolveRequest): void {
  if (Definition && isSource(Definition.def)) throw errors.noPolicyFile();
  if ((Definition?.def.length ?? 0) > 0) {
    throw errors.unsupported('a build that is no Dockerfile', 'use docker build or docker buildx build');
  }
  const source = FrontendOpt['source'] ?? '';
  const isOurs =
    Frontend === 'dockerfile.v0' ||
    (Frontend === 'gateway.v0' &&
      /^(?:dockerfile\.v0|(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?)$/.test(source));
  if (!isOurs)
    throw errors.unsupported(`the front end ${source || Frontend}`, 'begin the file with # syntax=docker/dockerfile:1');
}

/** Ids of results, by the names attributes have for them. Throws `buildkit.unsupported` for graphs of another origin. */
function inputsOf({ FrontendInputs }: gateway.SolveRequest): Map<string, string> {
  return new Map(
    Object.entries(FrontendInputs).map(([name, definition]) => {
      const id = resultIdOf(definition);
      if (id === undefined) throw errors.unsupported(`the graph ${name} as a context`, 'use a target of the same call');
      return [name, id];
    }),
  );
}

/** spec: BuildKit's pb.Op, the field of its oneof that is a SourceOp, and those that are any kind of operation. */
const SOURCE_FIELD = 3;
const isOperation = (field: number): boolean => field >= 2 && field <= 8;

/**
 * Nothing but a repository or a download: buildx looks into a remote context for a policy, and goes on without when there is
 * none. One that is there is refused by the build itself.
 */
function isSource(operations: readonly Uint8Array[]): boolean {
  const fields = operations.flatMap((bytes) => fieldsOf(bytes)).filter(isOperation);
  return fields.length > 0 && fields.every((field) => field === SOURCE_FIELD);
}

function fieldsOf(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(bytes);
  const fields: number[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    fields.push(field);
    reader.skip(type, field);
  }
  return fields;
}

function returnedBy(build: BuildUnderWay, result: gateway.Result | undefined): Parameters<BuildUnderWay['end']>[0] {
  const { case: kind, value } = result?.result ?? { case: undefined, value: undefined };
  const ids =
    kind === 'ref'
      ? [value.id]
      : kind === 'refDeprecated'
        ? [value]
        : kind === 'refs'
          ? Object.values(value.refs).map(({ id }) => id)
          : kind === 'refsDeprecated'
            ? Object.values(value.refs)
            : [];
  const [id] = ids.filter((each) => each !== '');
  if (id === undefined) return { kind: 'nothing' };
  if (!build.has(id)) throw errors.noBuild(id);
  return { kind: 'wish', id };
}
