/**
 * The description's schemas, read strictly: an object has all the fields that are described and no others, and nothing
 * is null. What Docker itself does otherwise is in omissions.ts, field by field.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { definitions, resolve, type Schema } from './description.ts';
import { type Habits, isNull, isOmitted } from './omissions.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const ADDRESS = /^([\d.]+|[\da-f:]+|)$/;

/** Whether a value is what the schema says: an empty list, or what is wrong, one line each. */
export type Check = (value: unknown) => readonly string[];

/** `name` is what the table of omissions calls the schema when it is no definition. */
export function strictCheck(schema: Schema, name: string, habits: Habits): Check {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true });
  const integer = (value: unknown): boolean => Number.isInteger(value);
  for (const format of ['int64', 'uint64', 'uint32', 'uint16', 'uint8']) {
    ajv.addFormat(format, { type: 'number', validate: integer });
  }
  for (const format of ['dateTime', 'date-time']) ajv.addFormat(format, TIME);
  ajv.addFormat('ip-address', ADDRESS);
  for (const format of ['uri', 'binary', 'CIDR']) ajv.addFormat(format, true);
  const strict = Object.entries(definitions).map(([each, raw]) => [each, convert(raw, each, habits)]);
  const root = { ...convert(schema, name, habits), definitions: Object.fromEntries(strict) };
  const validate: ValidateFunction = ajv.compile(root);
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(sentence));
}

function sentence({ instancePath, message, params, data }: ErrorObject): string {
  const extra = params as { additionalProperty?: string; allowedValues?: unknown };
  const what = extra.additionalProperty ?? (extra.allowedValues ? JSON.stringify(extra.allowedValues) : '');
  // What is missing or too much is named already: its neighbours would hide it.
  const isAboutKeys = 'additionalProperty' in params || 'missingProperty' in params;
  if (isAboutKeys) return `${instancePath || '/'} ${message} ${what}`.trim();
  const text = JSON.stringify(data) ?? 'undefined';
  return `${instancePath || '/'} ${message} ${what} (it is ${text.length > 160 ? `${text.slice(0, 160)}…` : text})`;
}

function convert(schema: Schema, at: string, habits: Habits): JsonSchema {
  const plain = convertPlain(schema, at, habits);
  const mayBeNull = schema['x-nullable'] === true || isNull(at, habits);
  return mayBeNull ? { anyOf: [plain, { type: 'null' }] } : plain;
}

function convertPlain(schema: Schema, at: string, habits: Habits): JsonSchema {
  if (schema.$ref !== undefined) return { $ref: schema.$ref };
  const fields = fieldsOf(schema, at);
  if (fields.size > 0) return objectOf(fields, habits);
  if (schema.allOf !== undefined) return { allOf: schema.allOf.map((part) => convert(part, at, habits)) };
  if (schema.type === 'array' && schema.items) {
    return { type: 'array', items: convert(schema.items, `${at}[]`, habits) };
  }
  if (typeof schema.additionalProperties === 'object') {
    return { type: 'object', additionalProperties: convert(schema.additionalProperties, `${at}{}`, habits) };
  }
  return {
    ...(schema.type === undefined ? {} : { type: schema.type }),
    ...(schema.enum === undefined ? {} : { enum: schema.enum }),
    ...(schema.format === undefined ? {} : { format: schema.format }),
  };
}

function objectOf(fields: ReadonlyMap<string, Field>, habits: Habits): JsonSchema {
  const properties = [...fields].map(([key, { schema, at }]) => [key, convert(schema, at, habits)]);
  const required = [...fields].filter(([, { schema, at }]) => !schema['x-omitempty'] && !isOmitted(at, habits));
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: required.map(([key]) => key),
    additionalProperties: false,
  };
}

export interface Field {
  readonly schema: Schema;
  /** `Definition.Field`, by which the tables name it. */
  readonly at: string;
}

/** The fields of an object, those of what it is composed of included; none for anything else. */
export function fieldsOf(schema: Schema, at: string): Map<string, Field> {
  const found = new Map<string, Field>();
  for (const part of schema.allOf ?? []) {
    const { name, schema: whole } = part.$ref === undefined ? { name: at, schema: part } : resolve(part.$ref);
    for (const [key, field] of fieldsOf(whole, name)) found.set(key, field);
  }
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    found.set(key, { schema: field, at: `${at}.${key}` });
  }
  return found;
}
