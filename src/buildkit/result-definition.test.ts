import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { digestOf } from '#base';
import { pb } from '#specs/buildkit';
import { resultDefinition, resultIdOf } from './result-definition.ts';

const definition = (...def: Uint8Array[]): pb.Definition => create(pb.DefinitionSchema, { def });

test('a result is found again after clients have passed it on', () => {
  const made = resultDefinition('abc');
  assert.equal(resultIdOf(fromBinary(pb.DefinitionSchema, toBinary(pb.DefinitionSchema, made))), 'abc');
  const last = fromBinary(pb.OpSchema, made.def[1]!);
  assert.equal(last.inputs[0]?.digest, digestOf(made.def[0]!));
  // compat: clients refuse operations without metadata.
  assert.deepEqual(
    Object.keys(made.metadata),
    made.def.map((bytes) => digestOf(bytes)),
  );
});

test('any other graph is none, whatever its bytes are', () => {
  const [source, last] = resultDefinition('abc').def as [Uint8Array, Uint8Array];
  const image = toBinary(pb.OpSchema, create(pb.OpSchema, { source: { identifier: 'docker-image://a' } }));
  for (const other of [definition(), definition(source), definition(image, last), definition(source, source, last)]) {
    assert.equal(resultIdOf(other), undefined);
  }
  for (const end = performance.now() + 200; performance.now() < end; ) {
    const id = resultIdOf(definition(randomBytes(Math.floor(Math.random() * 40)), last));
    assert.equal(id, undefined);
  }
});
