/** moby.buildkit.v1.Control: builds, what they tell, the cache, and what this builder is. */
import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { formatTimeNs, nowNs, parseTimeNs } from '#base';
import type { CacheUsage } from '#build';
import { type GrpcCall, type GrpcHandler, GrpcError, grpcCode, serverStreaming, unary } from '#rpc/grpc';
import { control } from '#specs/buildkit';
import type { BuildsUnderWay, BuildUnderWay } from './builds.ts';
import { readCacheFilters } from './cache-filters.ts';
import { errors } from './errors.ts';
import type { Outcome } from './evaluation.ts';
import type { ExporterEntry } from './exports.ts';
import type { BuildRecords } from './history/build-records.ts';
import { listenBuildHistory, pastStatus, updateBuildHistory } from './history/history-handlers.ts';
import { plainRefusal } from './refusals.ts';
import { solveBuild, type SolveParts } from './solve-build.ts';
import { workerRecord } from './worker.ts';

/** compat: how long Status waits for its build. */
const STATUS_WAIT_MS = 6000;

export interface ControlParts extends SolveParts {
  readonly builds: BuildsUnderWay;
  readonly records: BuildRecords;
  readonly version: string;
}

export function controlHandlers(parts: ControlParts): Record<string, GrpcHandler> {
  const { method } = control.Control;
  return {
    solve: unary(method.solve, (request, call) => solve(parts, request, call)),
    status: serverStreaming(method.status, (request, call) => status(parts, request, call)),
    listWorkers: unary(method.listWorkers, async () =>
      create(control.ListWorkersResponseSchema, { record: [workerRecord(parts.version)] }),
    ),
    info: unary(method.info, async () =>
      create(control.InfoResponseSchema, { buildkitVersion: workerRecord(parts.version).BuildkitVersion }),
    ),
    diskUsage: unary(method.diskUsage, async ({ filter }) => {
      const matches = readCacheFilters(filter);
      const record = parts.builder.usage().filter(matches).map(usageRecord);
      return create(control.DiskUsageResponseSchema, { record });
    }),
    prune: serverStreaming(method.prune, (request) => prune(parts, request)),
    listenBuildHistory: serverStreaming(method.listenBuildHistory, (request, call) => {
      call.sendMetadata(timeHeader());
      return listenBuildHistory(parts.records, request, call.signal);
    }),
    updateBuildHistory: unary(method.updateBuildHistory, async (request) => updateBuildHistory(parts.records, request)),
  };
}

/** Open until the client's function has returned and its result is exported. */
async function solve(
  parts: ControlParts,
  request: control.SolveRequest,
  { signal }: GrpcCall,
): Promise<control.SolveResponse> {
  if (request.Frontend !== '' || (request.Definition?.def.length ?? 0) > 0) {
    throw errors.unsupported('a build that is no Dockerfile', 'use docker build or docker buildx build');
  }
  if (request.SourcePolicySession !== '') throw errors.unsupported('a policy for sources', 'build without it');
  if (request.EnableSessionExporter) throw errors.unsupported('an exporter of the client', 'save the image afterwards');
  const { Entitlements: entitlements, Cache } = request;
  await using begun = parts.builds.begin(request.Ref, request.Session, (build, wish, evaluation) =>
    solveBuild(parts, {
      ...{ build, wish, entitlements },
      exporters: exportersOf(request),
      cacheExports: Cache?.Exports ?? [],
      beforeExport: evaluation.onResults,
      signal: AbortSignal.any([signal, evaluation.signal]),
    }),
  );
  const { build } = begun;
  // compat: what clients ask for their own sake is no build of the user's.
  const recording = request.Internal ? undefined : parts.records.begin(recordedFacts(request, build));
  try {
    const returned = await Promise.race([build.returned, aborted(signal)]);
    if (returned.kind === 'failure') throw returned.error;
    const done = returned.kind === 'nothing' ? nothingDone : await build.evaluate(returned.id).export();
    recording?.end({ kind: 'done', ...done });
    return create(control.SolveResponseSchema, { ExporterResponse: { ...done.answer } });
  } catch (error) {
    recording?.end({ kind: 'failed', error: plainRefusal(error) });
    throw error;
  }
}

const nothingDone: Outcome = { answer: {}, origins: new Map(), isList: false };

function recordedFacts(request: control.SolveRequest, { ref, progress }: BuildUnderWay) {
  const exporters = exportersOf(request).map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  return { ref, frontend: request.Frontend, attributes: request.FrontendAttrs, exporters, progress };
}

/** compat: older clients name one in fields of its own. */
function exportersOf({
  Exporters,
  ExporterDeprecated,
  ExporterAttrsDeprecated,
}: control.SolveRequest): readonly ExporterEntry[] {
  if (Exporters.length > 0 || ExporterDeprecated === '') return Exporters;
  return [{ Type: ExporterDeprecated, Attrs: ExporterAttrsDeprecated }];
}

/** Rejects when the client does not want the answer any more. */
function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const refuse = (): void => reject(new GrpcError(grpcCode.cancelled, 'context canceled'));
  if (signal.aborted) refuse();
  else signal.addEventListener('abort', refuse, { once: true });
  promise.catch(() => {});
  return promise;
}

async function* status(
  { builds, records }: ControlParts,
  { Ref }: control.StatusRequest,
  { signal, sendMetadata }: GrpcCall,
): AsyncGenerator<control.StatusResponse> {
  const past = builds.has(Ref) ? undefined : pastStatus(records, Ref);
  // Of another door.
  const running = records.running().find(({ ref }) => ref === Ref);
  const build = past ? undefined : (running ?? (await builds.get(Ref, STATUS_WAIT_MS)));
  sendMetadata(timeHeader());
  if (past) yield* past;
  if (!build) return;
  for await (const each of build.progress.listen(signal)) yield create(control.StatusResponseSchema, each);
}

async function* prune(
  { builder }: ControlParts,
  { filter, all, keepDuration, maxUsedSpace, reservedSpace, minFreeSpace }: control.PruneRequest,
): AsyncGenerator<control.UsageRecord> {
  const matches = readCacheFilters(filter);
  const before = builder.usage();
  const usedBefore = nowNs() - keepDuration;
  const { ids } = await builder.prune({
    all,
    matches: (usage) => matches(usage) && (keepDuration === 0n || (parseTimeNs(usage.lastUsedAt) ?? 0n) < usedBefore),
    ...(reservedSpace > 0n ? { reservedBytes: Number(reservedSpace) } : {}),
    ...(maxUsedSpace > 0n ? { mostBytes: Number(maxUsedSpace) } : {}),
    ...(minFreeSpace > 0n ? { freeBytes: Number(minFreeSpace) } : {}),
  });
  const gone = new Set(ids);
  for (const usage of before) if (gone.has(usage.id)) yield create(control.UsageRecordSchema, usageRecord(usage));
}

function usageRecord(usage: CacheUsage) {
  return {
    ID: usage.id,
    Mutable: false,
    InUse: usage.isInUse,
    Size: BigInt(usage.sizeBytes),
    CreatedAt: time(usage.createdAt),
    LastUsedAt: time(usage.lastUsedAt),
    UsageCount: BigInt(usage.useCount),
    Description: usage.description,
    RecordType: usage.kind,
    Shared: usage.isShared,
    Parents: [...usage.parents],
  };
}

const time = (text: string): Timestamp => timestampFromDate(new Date(text));

const timeHeader = (): Record<string, string> => ({ 'buildkit-current-timestamp': formatTimeNs(nowNs()) });
