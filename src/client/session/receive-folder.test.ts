import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { SkiffError } from '#base';
import { fsutil } from '#specs/buildkit';
import { receiveFolder } from './receive-folder.ts';

const { PACKET_STAT, PACKET_DATA, PACKET_FIN, PACKET_REQ } = fsutil.Packet_PacketType;
const FOLDER = 2 ** 31 + 0o750;
const LINK = 2 ** 27 + 0o777;

let folder = '';
beforeEach(() => (folder = mkdtempSync('/tmp/skiff-receive-')));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Sent {
  readonly path: string;
  readonly mode?: number;
  readonly linkname?: string;
  readonly content?: string;
}

/** Sends a list, and contents as they are asked for; gives what was asked for. */
async function receive(entries: readonly Sent[], target = `${folder}/out`, mirrors = false): Promise<number[]> {
  const queue: fsutil.Packet[] = [];
  let wake = (): void => {};
  const packet = (more: Parameters<typeof create<typeof fsutil.PacketSchema>>[1]): void => {
    queue.push(create(fsutil.PacketSchema, more));
    wake();
  };
  for (const { path, mode = 0o640, linkname = '', content = '' } of entries) {
    packet({
      type: PACKET_STAT,
      stat: { path, mode, linkname, size: BigInt(content.length), modTime: 1_600_000_000_000_000_000n },
    });
  }
  packet({ type: PACKET_STAT });
  const packets = (async function* () {
    for (;;) {
      const next = queue.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  })();
  const asked: number[] = [];
  for await (const { type, ID = 0 } of receiveFolder(packets, { path: target, mirrors })) {
    if (type === PACKET_FIN) packet({ type: PACKET_FIN });
    if (type !== PACKET_REQ) continue;
    asked.push(ID);
    const content = Buffer.from(entries[ID]!.content ?? '');
    for (let at = 0; at < content.length; at += 2)
      packet({ type: PACKET_DATA, ID, data: content.subarray(at, at + 2) });
    packet({ type: PACKET_DATA, ID });
  }
  return asked;
}

test('files, folders and links arrive as they are, with their times; what else is there stays', async () => {
  mkdirSync(`${folder}/out`);
  writeFileSync(`${folder}/out/own`, 'mine');
  const asked = await receive([
    { path: 'a', content: 'hello' },
    { path: 'd', mode: FOLDER },
    { path: 'd/empty' },
    { path: 'd/hard', linkname: 'a' },
    { path: 'soft', mode: LINK, linkname: 'd/empty' },
  ]);
  assert.deepEqual(asked, [0, 2]);
  const out = `${folder}/out`;
  assert.deepEqual(readdirSync(out).sort(), ['a', 'd', 'own', 'soft']);
  assert.equal(readFileSync(`${out}/a`, 'utf8'), 'hello');
  assert.equal(statSync(`${out}/d/hard`).ino, statSync(`${out}/a`).ino);
  assert.equal(readlinkSync(`${out}/soft`), 'd/empty');
  for (const name of ['a', 'd']) assert.equal(statSync(`${out}/${name}`).mtimeMs, 1_600_000_000_000);
  assert.deepEqual([statSync(`${out}/a`).mode & 0o777, statSync(`${out}/d`).mode & 0o777], [0o640, 0o750]);
});

test('nothing is written through links that are there, or that come', async () => {
  mkdirSync(`${folder}/out`);
  mkdirSync(`${folder}/elsewhere`);
  symlinkSync(`${folder}/elsewhere`, `${folder}/out/d`);
  writeFileSync(`${folder}/elsewhere/kept`, 'kept');
  symlinkSync(`${folder}/elsewhere/kept`, `${folder}/out/a`);
  await receive([
    { path: 'a', content: 'new' },
    { path: 'd', mode: FOLDER },
    { path: 'd/x', content: 'x' },
  ]);
  assert.deepEqual(readdirSync(`${folder}/elsewhere`), ['kept']);
  assert.equal(readFileSync(`${folder}/elsewhere/kept`, 'utf8'), 'kept');
  assert.ok(lstatSync(`${folder}/out/d`).isDirectory());
  const through = [
    { path: 'l', mode: LINK, linkname: `${folder}/elsewhere` },
    { path: 'l/x', content: 'x' },
  ];
  await assert.rejects(receive(through), { code: 'session.badListing' });
  const linked = [
    { path: 'l', mode: LINK, linkname: `${folder}/elsewhere` },
    { path: 'stolen', linkname: 'l/kept' },
  ];
  await assert.rejects(receive(linked), { code: 'session.badListing' });
  assert.ok(!existsSync(`${folder}/out/stolen`));
});

test('paths that leave the folder, devices, and folders in the way are refused; nothing half-written stays', async () => {
  const cases: readonly (readonly [Sent, string])[] = [
    [{ path: '../x' }, 'session.badListing'],
    [{ path: '/x' }, 'session.badListing'],
    [{ path: 'a//x' }, 'session.badListing'],
    [{ path: 'x\0y' }, 'session.badListing'],
    [{ path: 'no/folder' }, 'session.badListing'],
    [{ path: 'x', linkname: '../y' }, 'session.badListing'],
    [{ path: 'x', mode: 2 ** 26 + 0o600 }, 'session.device'],
    [{ path: 'there', content: 'x' }, 'session.inTheWay'],
  ];
  mkdirSync(`${folder}/out/there`, { recursive: true });
  for (const [entry, code] of cases) await assert.rejects(receive([entry]), { code }, JSON.stringify(entry));
  assert.deepEqual(readdirSync(`${folder}/out`), ['there']);
});

test('fuzz: packets in any order end in a folder or in a refusal, and never outside of it', async () => {
  let state = 3;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const names = ['a', 'a/b', 'b', '..', '../out2', 'c/../d', '', '/etc', 'a/b/c'];
  for (let round = 0; round < 150; round++) {
    const packets = Array.from({ length: random(12) }, () => {
      const stat = {
        path: names[random(names.length)]!,
        mode: [0o644, FOLDER, LINK, 0o4755][random(4)]!,
        linkname: random(3) === 0 ? names[random(names.length)]! : '',
      };
      const type = random(5);
      return create(fsutil.PacketSchema, {
        type,
        ID: random(4),
        data: Buffer.alloc(random(3)),
        ...(random(4) > 0 ? { stat } : {}),
      });
    });
    const given = (async function* () {
      yield* packets;
    })();
    try {
      for await (const _ of receiveFolder(given, { path: `${folder}/f${round}`, mirrors: round % 2 === 1 })) continue;
    } catch (error) {
      const isOurs = error instanceof SkiffError || /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '');
      assert.ok(isOurs, String(error));
    }
    assert.ok(readdirSync(folder).every((name) => /^f\d+$/.test(name)));
    assert.deepEqual(
      readdirSync(`${folder}/f${round}`).filter((name) => name.startsWith('.skiff')),
      [],
    );
  }
});

test('a mirrored folder has what comes and nothing else, once everything has come', async () => {
  mkdirSync(`${folder}/out/d/old`, { recursive: true });
  mkdirSync(`${folder}/out/was-folder/x`, { recursive: true });
  mkdirSync(`${folder}/outside`);
  writeFileSync(`${folder}/outside/kept`, '');
  symlinkSync(`${folder}/outside`, `${folder}/out/d/link`);
  writeFileSync(`${folder}/out/old`, '');
  const entries = [
    { path: 'd', mode: FOLDER },
    { path: 'd/a', content: 'x' },
    { path: 'was-folder', content: 'y' },
  ];
  await receive(entries, `${folder}/out`, true);
  assert.deepEqual(readdirSync(`${folder}/out`), ['d', 'was-folder']);
  assert.deepEqual(readdirSync(`${folder}/out/d`), ['a']);
  assert.equal(readFileSync(`${folder}/out/was-folder`, 'utf8'), 'y');
  assert.ok(existsSync(`${folder}/outside/kept`), 'what a link leads to is not entered');
  writeFileSync(`${folder}/out/late`, '');
  await assert.rejects(receive([{ path: 'b/c', content: 'x' }], `${folder}/out`, true), { code: 'session.badListing' });
  assert.ok(existsSync(`${folder}/out/late`), 'nothing goes for a build that fails');
});
