/** A plan as text for people: one line per operation, in the order they are performed. */
import { NONE, type Op, opShapes, type Plan } from './op.ts';

/** Lines such as `child 12  mountFs root=8 target=/proc type=proc …`. */
export function printPlan(plan: Plan): string {
  return [...printStream('parent', plan.parent), ...printStream('child', plan.child)]
    .map((line) => `${line}\n`)
    .join('');
}

/** One operation in words, for errors: `mountFs target=/proc type=proc`. */
export function printOp(op: Op): string {
  const values = op as unknown as Readonly<Record<string, FieldValue>>;
  const fields = Object.keys(opShapes[op.op].fields).map((name) => `${name}=${printValue(values[name]!)}`);
  const flags = op.opFlags === undefined || op.opFlags === 0 ? [] : [`opFlags=0x${op.opFlags.toString(16)}`];
  return [op.op, ...fields, ...flags].join(' ');
}

type FieldValue = number | bigint | string | Uint8Array | readonly (string | number)[];

function printStream(name: string, ops: readonly Op[]): string[] {
  return ops.map((op, index) => `${name} ${String(index).padStart(3)}  ${printOp(op)}`);
}

function printValue(value: FieldValue): string {
  if (value === NONE) return '-';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (typeof value === 'string') return /^[\w./:=,@+-]+$/.test(value) ? value : JSON.stringify(value);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  return `[${value.map((item) => printValue(item)).join(' ')}]`;
}
