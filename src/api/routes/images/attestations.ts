/** GET /images/{name}/attestations: what was attested of an image when it was built. */
import type { EngineParts } from '#engine';
import { type AttestedStatement, withTag } from '#images';
import type { RequestContext } from '#rpc';
import { descriptorJson } from '#specs';
import { errors } from '../../errors.ts';
import { sendJson } from '../../http-status.ts';
import { boolean } from '../../query.ts';
import { platformOf } from './platform.ts';

/** Throws `api.noSuchImage`, `image.otherPlatform`. */
export async function listAttestations(
  { images }: EngineParts,
  { params, query, response }: RequestContext,
): Promise<void> {
  const name = params['name']!;
  const platform = platformOf(query);
  if (!(await images.find(name))) throw errors.noSuchImage(withTag(name));
  const types = query.getAll('type');
  const isWhole = boolean(query, 'statement');
  const statements = await images.attestations(name, platform);
  const wanted = statements.filter(({ predicateType }) => types.length === 0 || types.includes(predicateType));
  const rows: object[] = [];
  for (const statement of wanted) rows.push(await rowOf(statement, isWhole));
  sendJson(response, 200, rows);
}

async function rowOf(statement: AttestedStatement, isWhole: boolean): Promise<object> {
  const { descriptor, predicateType } = statement;
  return {
    Descriptor: descriptorJson(descriptor),
    PredicateType: predicateType,
    ...(isWhole ? { Statement: parsed(descriptor.digest, await statement.read()) } : {}),
  };
}

/** compat: verbatim, but for white space. Throws `api.badStatement`. */
function parsed(digest: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    throw errors.badStatement(digest);
  }
}
