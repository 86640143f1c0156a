import assert from 'node:assert/strict';
import { fstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { IgnoreMatcher } from '#base';
import { byteString, tarEntry } from '#wire';
import type { LocalContext } from './context-index.ts';
import { type ClientFolder, openFolderContext } from './folder-context.ts';
import { KnownFiles } from './known-files.ts';

const NOW_NS = 1_000_000_000_000_000_001n;

interface Given {
  readonly content: string;
  readonly mtimeNs?: bigint;
  /** What is sent in its place. */
  readonly sent?: string;
}

/** A client that sends all that is asked for mixed, three bytes at a time, and keeps the names of it. */
class FakeFolder implements ClientFolder {
  readonly askedNs = NOW_NS;
  readonly entries: ClientFolder['entries'];
  readonly #files: readonly (readonly [string, Given])[];
  readonly asked: string[] = [];
  isClosed = false;

  constructor(files: Readonly<Record<string, Given>>) {
    this.#files = Object.entries(files);
    this.entries = this.#files.map(([path, { content, mtimeNs = 7n }], id) => ({
      id: id + 10,
      entry: content.startsWith('-> ')
        ? tarEntry(path, 'hard-link', { linkPath: byteString(content.slice(3)) })
        : tarEntry(path, 'file', { size: content.length, mtimeNs }),
    }));
  }

  async fetch(ids: readonly number[], receiver: Parameters<ClientFolder['fetch']>[1]): Promise<void> {
    const open = new Map<number, Buffer>();
    for (const id of ids) {
      const [path, { content, sent = content }] = this.#files[id - 10]!;
      this.asked.push(path);
      open.set(id, Buffer.from(sent));
      // Some say nothing first.
      await receiver.data(id, Buffer.alloc(0));
    }
    while (open.size > 0) {
      for (const [id, rest] of open) {
        if (rest.length === 0) {
          receiver.end(id);
          open.delete(id);
        } else {
          await receiver.data(id, rest.subarray(0, 3));
          open.set(id, rest.subarray(3));
        }
      }
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

async function withFolder(
  folder: FakeFolder,
  use: (context: LocalContext) => Promise<void>,
  known = new KnownFiles(),
): Promise<void> {
  const at = mkdtempSync(`${tmpdir()}/skiff-folder-`);
  try {
    const parts = { folder: at, known: known.folder('key', folder.askedNs), signal: new AbortController().signal };
    await using context = await openFolderContext(folder, parts);
    await use(context);
  } finally {
    rmSync(at, { recursive: true });
  }
}

const text = async (context: LocalContext, path: string): Promise<string | undefined> =>
  (await context.read(path, 1000))?.toString();

async function digests(context: LocalContext): Promise<Map<string, string>> {
  const all = await Array.fromAsync(context.tree(new IgnoreMatcher([])).contents(''));
  return new Map(all.map(([{ path }, digest]) => [path, digest.slice(0, 6)]));
}

const FILES = {
  a: { content: 'content of a' },
  b: { content: 'b' },
  empty: { content: '' },
  link: { content: '-> a' },
};

test('files are what was sent, whether they come mixed or not at all', async () => {
  await withFolder(new FakeFolder(FILES), async (context) => {
    assert.equal(await text(context, 'a'), 'content of a');
    assert.equal(await text(context, 'link'), 'content of a');
    assert.equal(await text(context, 'b'), 'b');
    assert.equal(await text(context, 'empty'), '');
    const found = await digests(context);
    assert.deepEqual([found.get('b'), found.get('empty')], ['3e23e8', 'e3b0c4']);
  });
});

test('what is known is asked for when it is read, and then once', async () => {
  const known = new KnownFiles();
  await withFolder(new FakeFolder(FILES), async () => {}, known);
  const changed = new FakeFolder({ ...FILES, b: { content: 'B' }, c: { content: 'c' } });
  await withFolder(
    changed,
    async (context) => {
      // The same size and time: to be told from `b` by no one who does not read it.
      assert.deepEqual(changed.asked, ['c']);
      assert.equal((await digests(context)).get('b'), '3e23e8');
      const [one, two] = await Promise.all([text(context, 'a'), text(context, 'link')]);
      assert.deepEqual([one, two, changed.asked], ['content of a', 'content of a', ['c', 'a']]);
      await assert.rejects(text(context, 'b'), { code: 'build.badContext', message: /"b" has changed.*build again/ });
    },
    known,
  );
  const again = new FakeFolder({ ...FILES, b: { content: 'B' } });
  await withFolder(again, async () => assert.deepEqual(again.asked, ['b']), known);
});

test('what comes later is in the file a step was given before', async () => {
  const known = new KnownFiles();
  await withFolder(new FakeFolder(FILES), async () => {}, known);
  await withFolder(
    new FakeFolder(FILES),
    async (context) => {
      const descriptor = (await context.tree(new IgnoreMatcher([])).descriptor())!;
      assert.equal(fstatSync(descriptor).size, 0);
      assert.equal(await text(context, 'a'), 'content of a');
      assert.equal(fstatSync(descriptor).size, 'content of a'.length);
    },
    known,
  );
});

test('a file is known by its size and its time, unless the time tells nothing', async () => {
  const check = async (before: Given, after: Given, isAsked: boolean): Promise<void> => {
    const known = new KnownFiles();
    await withFolder(new FakeFolder({ f: before }), async () => {}, known);
    const folder = new FakeFolder({ f: after });
    await withFolder(folder, async () => assert.deepEqual(folder.asked, isAsked ? ['f'] : []), known);
  };
  await check({ content: 'x' }, { content: 'x' }, false);
  await check({ content: 'x' }, { content: 'xx' }, true);
  await check({ content: 'x' }, { content: 'x', mtimeNs: 8n }, true);
  // Set by a program, or of this very moment.
  await check({ content: 'x', mtimeNs: 5_000_000_000n }, { content: 'x', mtimeNs: 5_000_000_000n }, true);
  await check({ content: 'x', mtimeNs: NOW_NS - 1000n }, { content: 'x', mtimeNs: NOW_NS - 1000n }, true);
});

test('a client that sends something else is refused, and nothing is learned of it', async () => {
  const known = new KnownFiles();
  const check = async (file: Given, message: RegExp): Promise<void> => {
    const refused = withFolder(new FakeFolder({ f: file }), async () => {}, known);
    await assert.rejects(refused, { code: 'build.badContext', message });
  };
  await check({ content: 'four', sent: 'three' }, /"f" has more content/);
  await check({ content: 'four', sent: 'two' }, /"f" changed while it was sent/);
  const folder = new FakeFolder({ f: { content: 'four' } });
  await withFolder(folder, async () => assert.deepEqual(folder.asked, ['f']), known);
});

test('of very many files some are forgotten, those of the folder used last not', () => {
  const files = new KnownFiles();
  for (let folder = 0; folder < 3; folder++) {
    const known = files.folder(`folder ${folder}`, NOW_NS);
    for (let file = 0; file < 60_000; file++) known.learn(tarEntry(`f${file}`, 'file', { size: 1, mtimeNs: 1n }), 'd');
  }
  const isKnown = (folder: number): boolean =>
    files.folder(`folder ${folder}`, NOW_NS).digestOf(tarEntry('f5', 'file', { size: 1, mtimeNs: 1n })) !== undefined;
  assert.deepEqual([isKnown(2), isKnown(0)], [true, false]);
});
