import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { create, NONE, opFlags, opShapes, PLAN_MAGIC, slots } from './op.ts';

const read = (name: string): string => readFileSync(new URL(`../../../native/src/${name}`, import.meta.url), 'utf8');
const header = read('plan.h');
const screaming = (name: string): string => name.replace(/[A-Z]/g, '_$&').toUpperCase();

function constant(name: string): number {
  const value = new RegExp(`\\b${name}\\s*(?:=\\s*|\\s)(0x[0-9a-f]+|\\d+)u?`).exec(header)?.[1];
  assert.ok(value !== undefined, `plan.h has no ${name}`);
  return Number(value);
}

test('every operation has the code that plan.h gives it, and plan.h has no others', () => {
  const native = new Map([...header.matchAll(/OP_(\w+) = (\d+)/g)].map(([, name, code]) => [name!, Number(code)]));
  const ours = new Map(Object.entries(opShapes).map(([name, { code }]) => [screaming(name), code]));
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(native));
});

test('every operation has the fields that the table of the helper checks', () => {
  const letters: Record<string, string> = {
    slot: 'ROWV',
    u32: 'u',
    u64: 'U',
    text: 'sd',
    data: 'di',
    texts: 'l',
    u32s: 'g',
  };
  const table = new Map(
    [...read('op-table.h').matchAll(/X\((\w+),\s*\w+,\s*\w+,\s*"(\w*)"/g)].map(([, name, shape]) => [name!, shape!]),
  );
  for (const [name, { fields }] of Object.entries(opShapes)) {
    const shape = table.get(screaming(name));
    assert.ok(shape !== undefined, `op-table.h has no ${name}`);
    const types = Object.values(fields);
    assert.equal(shape.length, types.length, `${name}: ${shape}`);
    types.forEach((type, index) =>
      assert.ok(letters[type]!.includes(shape[index]!), `${name}: field ${index} is ${type}, not ${shape[index]}`),
    );
  }
});

test('flags, slots and numbers are those of plan.h', () => {
  assert.equal(constant('PLAN_MAGIC'), PLAN_MAGIC);
  assert.equal(constant('SLOT_NONE'), NONE);
  assert.equal(constant('SLOT_COUNT'), slots.count);
  assert.equal(constant('SLOT_FIRST_FREE'), slots.firstFree);
  assert.equal(constant('OPF_OPTIONAL'), opFlags.optional);
  assert.equal(constant('OPF_IGNORE_ENOENT'), opFlags.ignoreMissing);
  assert.equal(constant('OPF_IGNORE_EEXIST'), opFlags.ignoreExisting);
  assert.equal(constant('OPF_RECURSIVE'), opFlags.recursive);
  assert.equal(constant('OPF_ATTR_RECURSIVE'), opFlags.attributesRecursive);
  assert.equal(constant('OPF_COPY_UP'), opFlags.copyUp);
  assert.equal(constant('OPF_NO_SETGROUPS'), opFlags.noSetgroups);
  assert.equal(constant('OPF_CONSOLE'), opFlags.console);
  assert.deepEqual(create, { nothing: 0, directory: 1, file: 2, likeSource: 3 });
});
