import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addImage, fakeParts } from './fake-parts.ts';
import { imageHistory } from './history.ts';

test('rows come newest first, each with the layer it made', async () => {
  using parts = fakeParts();
  const history = [{ createdBy: 'add' }, { createdBy: 'env', emptyLayer: true }, { createdBy: 'run' }];
  const image = await addImage(parts, { tags: ['app:1'], layers: ['a', 'b'], history });
  const rows = await imageHistory(parts, 'app:1');
  assert.deepEqual(
    rows.map(({ id, createdBy, sizeBytes, tags }) => [id, createdBy, sizeBytes, tags]),
    [
      [image.id, 'run', 10, ['app:1']],
      ['<missing>', 'env', 0, []],
      ['<missing>', 'add', 10, []],
    ],
  );
});

test('rows of images it was made from here carry their ids; layers without history have rows too', async () => {
  using parts = fakeParts();
  const parent = await addImage(parts, { layers: ['a'], history: [{ createdBy: 'one' }] });
  const child = await addImage(parts, {
    layers: ['a', 'b'],
    parent,
    history: [{ createdBy: 'one' }, { createdBy: 'two' }],
  });
  assert.deepEqual(
    (await imageHistory(parts, child.id)).map(({ id }) => id),
    [child.id, parent.id],
  );
  const silent = await addImage(parts, { layers: ['x', 'y'], history: [] });
  assert.deepEqual(
    (await imageHistory(parts, silent.id)).map(({ sizeBytes }) => sizeBytes),
    [10, 10],
  );
  await assert.rejects(imageHistory(parts, 'nothing'), { message: 'No such image: nothing:latest' });
});
