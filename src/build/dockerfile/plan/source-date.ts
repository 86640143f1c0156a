/** SOURCE_DATE_EPOCH: seconds, or a source whose time is taken. */
import { errors } from '../errors.ts';
import type { Dockerfile } from '../parse/instruction.ts';
import type { BuildRequest, SourceDate } from './build-request.ts';
import { NamedContexts, parseContext } from './contexts.ts';
import type { GraphWriter } from './graph-writer.ts';
import type { SourceSteps } from './source-steps.ts';
import type { StageLinks } from './stage-links.ts';

const SECONDS = /^\d{1,12}$/;

/** RFC 3339 of a number of seconds; undefined for everything else. */
export function createdAt(value: string | undefined): string | undefined {
  if (value === undefined || !SECONDS.test(value)) return undefined;
  return new Date(Number(value) * 1000).toISOString().replace('.000Z', 'Z');
}

interface Parts {
  readonly dockerfile: Dockerfile;
  readonly request: BuildRequest;
  readonly steps: SourceSteps;
  readonly graph: GraphWriter;
  readonly links: StageLinks;
}

/** `context`, a named context, or a stage with one remote ADD. Throws `dockerfile.badEpoch`. */
export async function sourceDate(value: string | undefined, parts: Parts): Promise<SourceDate | undefined> {
  if (value === undefined || value === '') return undefined;
  if (SECONDS.test(value)) return { kind: 'seconds', seconds: Number(value) };
  const { request, steps } = parts;
  const naming = { name: `[internal] date of ${value}`, ignoresCache: false };
  const source =
    value === 'context'
      ? request.mainContext && parseContext('context', request.mainContext)
      : (new NamedContexts(request.namedContexts ?? {}).forImage(value, request.buildPlatform) ??
        remoteOf(value, parts));
  if (!source || source.kind === 'image' || source.kind === 'result' || source.kind === 'local')
    throw errors.badEpoch(value);
  return { kind: 'step', step: await steps.files(source, naming) };
}

/** What the only ADD of a stage from nothing brings. */
function remoteOf(name: string, { links }: Parts): ReturnType<typeof parseContext> | undefined {
  const index = /^\d+$/.test(name) ? undefined : links.find(name);
  const stage = index === undefined ? undefined : links.stages[index];
  if (!stage || stage.base !== 'scratch' || stage.instructions.length !== 1) return undefined;
  const [add] = stage.instructions;
  const [path] = add?.kind === 'add' && add.sources.length === 1 ? add.sources : [];
  return typeof path === 'string' && /^(?:https?|git|ssh):|@/i.test(path) ? parseContext(name, path) : undefined;
}
