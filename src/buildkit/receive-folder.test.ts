import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { SkiffError } from '#base';
import { fsutil } from '#specs/buildkit';
import { Listing, receiveFolder } from './receive-folder.ts';
import type { Session } from './sessions.ts';

const FOLDER = 2 ** 31 + 0o755;
const FILE = 0o644;
const SYMLINK = 2 ** 27 + 0o777;
const SOCKET = 2 ** 24 + 0o600;

type Row = readonly [path: string, mode: number, size?: number, link?: string];

/** Gives the numbers of those whose content is asked for. */
function listed(...entries: readonly Row[]): number[] {
  const list = new Listing();
  for (const [path, mode, size = 0, linkname = ''] of entries) {
    list.add(create(fsutil.StatSchema, { path, mode, size: BigInt(size), linkname }));
  }
  return list.entries.filter(({ entry }) => entry.type === 'file' && entry.size > 0).map(({ id }) => id);
}

test('content is asked for by the running number of what has some', () => {
  const check = (entries: readonly Row[], expected: readonly number[]): void =>
    assert.deepEqual(listed(...entries), expected);
  check(
    [
      ['a', FOLDER],
      ['a/b', FILE, 3],
      ['a.c', FILE, 1],
    ],
    [1, 2],
  );
  check(
    [
      ['empty', FILE, 0],
      ['full', FILE, 1],
    ],
    [1],
  );
  check(
    [
      ['one', FILE, 5],
      ['same', FILE, 0, 'one'],
      ['to', SYMLINK, 0, '../anywhere'],
    ],
    [0],
  );
  check(
    [
      ['socket', SOCKET, 4],
      ['z', FILE, 1],
    ],
    [1],
  );
});

test('what could reach out of the folder, or comes out of order, is refused', () => {
  const check = (...entries: readonly Row[]): void => {
    assert.throws(
      () => listed(...entries),
      (error) => error instanceof SkiffError && error.code === 'buildkit.badListing',
      JSON.stringify(entries),
    );
  };
  for (const path of ['', '/etc', '..', '../x', 'a/../../b', 'a//b', './a', 'a/', 'a\0b']) check([path, FILE, 1]);
  check(['b', FILE], ['a', FILE]);
  check(['a', FILE], ['a', FILE]);
  check(['a.c', FILE], ['a/b', FILE]);
  check(['a', FILE, -1]);
  check(['a', FILE, 0, '/etc/shadow']);
  check(['a', FILE, 0, '../b']);
});

const { STAT, REQ, DATA, FIN } = {
  STAT: fsutil.Packet_PacketType.PACKET_STAT,
  REQ: fsutil.Packet_PacketType.PACKET_REQ,
  DATA: fsutil.Packet_PacketType.PACKET_DATA,
  FIN: fsutil.Packet_PacketType.PACKET_FIN,
};

interface Given {
  readonly path: string;
  readonly content: Buffer;
}

/** A client that sends some files, the contents of up to four at a time mixed; `damage` may change what it says. */
class FakeClient {
  readonly #asked: number[] = [];
  readonly #files: readonly Given[];
  readonly #random: (below: number) => number;
  readonly #damage: (packet: fsutil.Packet) => fsutil.Packet | undefined;
  #wake = (): void => {};
  #isOver = false;
  mostAsked = 0;

  constructor(
    files: readonly Given[],
    random: (below: number) => number,
    damage: (packet: fsutil.Packet) => fsutil.Packet | undefined = (packet) => packet,
  ) {
    this.#files = files;
    this.#random = random;
    this.#damage = damage;
  }

  get session(): Session {
    const stream = {
      send: async (...messages: { type: number; ID?: number }[]) => {
        for (const { type, ID } of messages) {
          if (type === REQ) this.#asked.push(ID ?? 0);
          if (type === FIN) this.#isOver = true;
        }
        this.mostAsked = Math.max(this.mostAsked, this.#asked.length);
        this.#wake();
      },
      close: () => {},
      batches: this.#batches(),
      [Symbol.dispose]: () => {},
    };
    return { id: 's', offers: () => true, client: { open: () => stream } } as unknown as Session;
  }

  /** One to three at a time. */
  async *#batches(): AsyncGenerator<fsutil.Packet[]> {
    let batch: fsutil.Packet[] = [];
    for await (const packet of this.#said()) {
      const damaged = this.#damage(packet);
      if (!damaged) return;
      batch.push(damaged);
      const isLast = damaged.type !== STAT || !damaged.stat;
      if (!isLast && batch.length < 1 + this.#random(3)) continue;
      yield batch;
      batch = [];
    }
  }

  async *#said(): AsyncGenerator<fsutil.Packet> {
    const packet = (more: object): fsutil.Packet => create(fsutil.PacketSchema, more);
    for (const { path, content } of this.#files) {
      yield packet({ type: STAT, stat: { path, mode: FILE, size: BigInt(content.length) } });
    }
    yield packet({ type: STAT });
    const open = new Map<number, number>();
    for (;;) {
      while (open.size < 4 && this.#asked.length > 0) open.set(this.#asked.shift()!, 0);
      if (open.size === 0) {
        if (this.#isOver) break;
        // Asked for by the reader, which goes on before we do.
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setImmediate(resolve);
        });
        continue;
      }
      const ids = [...open.keys()];
      const id = ids[this.#random(ids.length)]!;
      const at = open.get(id)!;
      const data = this.#files[id]?.content.subarray(at, at + 1 + this.#random(40)) ?? Buffer.alloc(0);
      if (data.length === 0) open.delete(id);
      else open.set(id, at + data.length);
      yield packet({ type: DATA, ID: id, data });
    }
    yield packet({ type: FIN });
  }
}

function chooser(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below;
}

const someFiles = (random: (below: number) => number): Given[] =>
  Array.from({ length: 1 + random(60) }, (_, index) => ({
    path: `f${String(index).padStart(3, '0')}`,
    content: Buffer.alloc(random(120), 97 + (index % 26)),
  }));

async function received(client: FakeClient): Promise<Map<string, string>> {
  const wish = { name: 'context', excludes: [], paths: [] };
  const folder = await receiveFolder(client.session, wish, new AbortController().signal, () => {});
  const files = new Map(folder.entries.map(({ id }) => [id, '']));
  const left = new Map(folder.entries.filter(({ entry }) => entry.size > 0).map(({ id, entry }) => [id, entry.size]));
  // As a context does, it refuses what was not asked for, too much and too little.
  await folder.fetch([...left.keys()], {
    data: (id, bytes) => {
      files.set(id, files.get(id)! + bytes.toString());
      const rest = left.has(id) ? left.get(id)! - bytes.length : -1;
      if (rest < 0) throw new SkiffError('invalid', 'test.refused', `content of ${id}`);
      left.set(id, rest);
    },
    end: (id) => {
      if (left.get(id) !== 0) throw new SkiffError('invalid', 'test.refused', `end of ${id}`);
      left.delete(id);
    },
  });
  await folder.close();
  return new Map(folder.entries.map(({ id, entry }) => [entry.path, files.get(id)!]));
}

test('files arrive as they are, however their contents are mixed', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = chooser(seed);
    const files = someFiles(random);
    const client = new FakeClient(files, random);
    const expected = files.map(({ path, content }) => [path, content.toString()]);
    assert.deepEqual([...(await received(client))], expected, `seed ${seed}`);
  }
});

test('what a client says that makes no sense is refused by name, and ends', { timeout: 20_000 }, async () => {
  let refused = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = chooser(seed);
    const damage = (packet: fsutil.Packet): fsutil.Packet | undefined => {
      if (random(30) > 0) return packet;
      switch (random(6)) {
        case 0:
          return undefined;
        case 1:
          return { ...packet, type: random(6) };
        case 2:
          return { ...packet, ID: random(70) };
        case 3:
          return { ...packet, data: Buffer.alloc(random(300), 120) };
        case 4:
          return packet.stat ? { ...packet, stat: { ...packet.stat, size: BigInt(random(200)) - 20n } } : packet;
        default:
          return packet.stat
            ? { ...packet, stat: { ...packet.stat, path: ['../x', '/x', 'a//b', ''][random(4)]! } }
            : packet;
      }
    };
    try {
      await received(new FakeClient(someFiles(random), random, damage));
    } catch (error) {
      assert.ok(error instanceof SkiffError, `seed ${seed}: ${String(error)}`);
      refused += 1;
    }
  }
  assert.ok(refused > 100, `${refused} were refused`);
});
