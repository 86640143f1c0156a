/** A plan as the bytes the native helper performs. Pure: the same plan gives the same bytes. */
import { BytesWriter } from '#base';
import { type Op, type OpName, opShapes, PLAN_MAGIC, type Plan } from './op.ts';

/** Encodes as described in native/README.md, "The plan". */
export function encodePlan(plan: Plan): Buffer {
  const writer = new BytesWriter(32 * 1024);
  writer.u32(PLAN_MAGIC).u32(0).u32(plan.parent.length).u32(plan.child.length);
  for (const op of plan.parent) encodeOp(writer, op);
  for (const op of plan.child) encodeOp(writer, op);
  writer.patchU32(4, writer.length);
  return writer.done();
}

function encodeOp(writer: BytesWriter, op: Op): void {
  const { code, fields } = layouts[op.op];
  writer
    .u16(code)
    .u16(op.opFlags ?? 0)
    .u32(0);
  const from = writer.length;
  const values = op as unknown as Readonly<Record<string, never>>;
  for (const [name, write] of fields) write(writer, values[name]!);
  writer.patchU32(from - 4, writer.length - from);
}

const writers = {
  slot: (writer: BytesWriter, value: number) => writer.u32(value),
  u32: (writer: BytesWriter, value: number) => writer.u32(value),
  u64: (writer: BytesWriter, value: bigint | number) => writer.u64(value),
  text: (writer: BytesWriter, value: string) => writer.bytes(value),
  data: (writer: BytesWriter, value: Uint8Array) => writer.bytes(value),
  texts: (writer: BytesWriter, value: readonly string[]) => writer.list(value),
  u32s: (writer: BytesWriter, value: readonly number[]) => writer.u32List(value),
} as const;

type Write = (writer: BytesWriter, value: never) => void;

/** The shapes with their fields in order and how each is written: looked up once, not for every operation. */
const layouts = Object.fromEntries(
  Object.entries(opShapes).map(([name, { code, fields }]) => [
    name,
    { code, fields: Object.entries(fields).map(([field, type]): [string, Write] => [field, writers[type]]) },
  ]),
) as unknown as Readonly<Record<OpName, { code: number; fields: readonly (readonly [string, Write])[] }>>;
