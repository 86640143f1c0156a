/**
 * A result of a build as one operation of BuildKit's graphs, which clients pass on unread to builds that begin with it.
 * spec: BuildKit's pb.Definition: operations by their digests, the last one names the result.
 */
import { create, toBinary, fromBinary } from '@bufbuild/protobuf';
import { digestOf } from '#base';
import { pb } from '#specs/buildkit';

const SCHEME = 'skiff-result://';

export function resultDefinition(id: string): pb.Definition {
  const source = toBinary(pb.OpSchema, create(pb.OpSchema, { source: { identifier: `${SCHEME}${id}` } }));
  const digest = digestOf(source);
  const last = toBinary(pb.OpSchema, create(pb.OpSchema, { inputs: [{ digest, index: 0n }] }));
  return create(pb.DefinitionSchema, { def: [source, last], metadata: { [digest]: {}, [digestOf(last)]: {} } });
}

/** Undefined for any other graph. */
export function resultIdOf({ def }: pb.Definition): string | undefined {
  const [source, last, ...more] = def;
  if (!source || !last || more.length > 0) return undefined;
  try {
    const { identifier = '' } = fromBinary(pb.OpSchema, source).source ?? {};
    return identifier.startsWith(SCHEME) ? identifier.slice(SCHEME.length) : undefined;
  } catch {
    return undefined;
  }
}
