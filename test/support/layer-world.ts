/** A folder with an unpacker, for tests that make layers of archives. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { TestContext } from 'node:test';
import { helperPath } from '#linux';
import { type LayerUnpacker, openLayerUnpacker, type UnpackedLayer } from '../../src/images/layers/layer-unpacker.ts';

export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly unpacker: LayerUnpacker;
  /** Unpacks an archive into a new folder. */
  put(archive: Buffer): Promise<{ readonly root: string; readonly layer: UnpackedLayer }>;
}

/** Dispose it: its threads hold nothing up, but its folder goes with the test. */
export function world(context: TestContext, threads = 2): World {
  const folder = mkdtempSync(`${tmpdir()}/skiff-layers-`);
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const unpacker = openLayerUnpacker({ helperProgram: helperPath(), threads });
  let count = 0;
  return {
    folder,
    unpacker,
    put: async (archive) => {
      const name = `${folder}/${(count += 1)}`;
      writeFileSync(`${name}.tar`, archive);
      mkdirSync(name);
      return { root: name, layer: await unpacker.unpack({ blob: `${name}.tar`, folder: name }) };
    },
    [Symbol.asyncDispose]: () => unpacker[Symbol.asyncDispose](),
  };
}
