/** Docker's description of its API: which operations there are, what they take and what they answer. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly title?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly 'x-nullable'?: boolean;
  readonly 'x-omitempty'?: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'body' | 'path' | 'header';
  readonly schema?: Schema;
}

export interface Reply {
  readonly schema?: Schema;
  readonly headers?: Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** `/containers/{id}/json`. */
  readonly path: string;
  readonly tag: string;
  readonly produces: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, Reply>>;
}

interface RawOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly produces?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, Reply>>;
}

interface Document {
  readonly produces: readonly string[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly definitions: Readonly<Record<string, Schema>>;
}

const document = parse(readFileSync(`${import.meta.dirname}/docker-engine-api.yaml`, 'utf8')) as Document;

export const definitions = document.definitions;

/** Of an engine alone: what others need belongs to swarms and to plugins. */
const coreTags: ReadonlySet<string> = new Set([
  'Container',
  'Exec',
  'Image',
  'Network',
  'Volume',
  'System',
  'Distribution',
  'Session',
]);

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, raw]) => ({
    id: raw.operationId,
    method: method.toUpperCase(),
    // Names with slashes in them are marked by some paths and not by others.
    path: path.replace(':.*', ''),
    tag: raw.tags[0]!,
    produces: raw.produces ?? document.produces,
    parameters: raw.parameters ?? [],
    responses: raw.responses,
  })),
);

/** compat: the one operation on volumes that is for clusters. */
const isOfSwarm = ({ id, tag }: Operation): boolean =>
  id === 'VolumeUpdate' || (!coreTags.has(tag) && tag !== 'Plugin');

export const coreOperations = operations.filter((operation) => coreTags.has(operation.tag) && !isOfSwarm(operation));
export const swarmOperations = operations.filter(isOfSwarm);
export const pluginOperations = operations.filter(({ tag }) => tag === 'Plugin');

/** Throws for an operation that the description does not have. */
export function operationOf(id: string): Operation {
  const found = operations.find((operation) => operation.id === id);
  if (!found) throw new Error(`the description has no operation ${id}`);
  return found;
}

/** The path with its parameters filled in. */
export function pathOf(operation: Operation, values: Readonly<Record<string, string>> = {}): string {
  return operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${operation.id} needs a value for {${name}}`);
    return value;
  });
}

/** The schema behind a reference, and the name it has there. */
export function resolve(reference: string): { name: string; schema: Schema } {
  const name = reference.replace('#/definitions/', '');
  const schema = definitions[name];
  if (!schema) throw new Error(`the description has no definition ${name}`);
  return { name, schema };
}
