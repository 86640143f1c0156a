/** Records of builds → BuildKit's messages. */
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HistoryBlob, PastBuild, StepCounts } from '#build';
import { control } from '#specs/buildkit';
import type { BuildChange, RunningBuild } from './build-records.ts';

/** The plain form of the two a message can be made of. */
type RecordInit = Exclude<MessageInitShape<typeof control.BuildHistoryRecordSchema>, control.BuildHistoryRecord>;
const { STARTED, COMPLETE, DELETED } = control.BuildHistoryEventType;

export function eventOf(change: BuildChange): control.BuildHistoryEvent {
  switch (change.type) {
    case 'started':
      return create(control.BuildHistoryEventSchema, { type: STARTED, record: runningRecord(change.build) });
    case 'complete':
      return create(control.BuildHistoryEventSchema, { type: COMPLETE, record: pastRecord(change.build) });
    case 'deleted':
      return create(control.BuildHistoryEventSchema, { type: DELETED, record: { Ref: change.ref } });
  }
}

function runningRecord(build: RunningBuild): RecordInit {
  return { ...facts(build), ...countsOf(build.progress.counts()) };
}

function pastRecord(build: PastBuild): RecordInit {
  const { completedAt, error, failure, log, answer, statements, isList, isPinned, generation, steps } = build;
  const results = Object.entries(statements).map(([platform, blobs]) => {
    return [platform, { Attestations: blobs.map(descriptor) }] as const;
  });
  const [first] = results;
  return {
    ...facts(build),
    CompletedAt: time(completedAt),
    ...(error ? { error } : {}),
    ...(failure ? { externalError: descriptor(failure) } : {}),
    ...(log ? { logs: descriptor(log) } : {}),
    ExporterResponse: answer,
    ...(isList ? { Results: Object.fromEntries(results) } : first ? { Result: first[1] } : {}),
    Generation: generation,
    pinned: isPinned,
    ...countsOf(steps),
  };
}

function facts({ ref, frontend, attributes, exporters, createdAt }: RunningBuild | PastBuild): RecordInit {
  return {
    Ref: ref,
    Frontend: frontend,
    FrontendAttrs: { ...attributes },
    Exporters: exporters.map(({ type, attributes: Attrs }) => ({ Type: type, Attrs: { ...Attrs } })),
    CreatedAt: time(createdAt),
  };
}

function countsOf({ total, completed, cached, warnings }: StepCounts): RecordInit {
  return { numTotalSteps: total, numCompletedSteps: completed, numCachedSteps: cached, numWarnings: warnings };
}

function descriptor({ mediaType, digest, sizeBytes, annotations = {} }: HistoryBlob) {
  return { mediaType, digest, size: BigInt(sizeBytes), annotations: { ...annotations } };
}

const time = (text: string) => timestampFromDate(new Date(text));

/** The messages of a log, as `build-records.ts` writes it; one that is cut off ends early. */
export function* readLog(bytes: Buffer): Generator<control.StatusResponse> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) return;
    yield fromBinary(control.StatusResponseSchema, bytes.subarray(at + 4, end));
    at = end;
  }
}
