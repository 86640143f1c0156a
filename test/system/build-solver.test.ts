/** The solver on the real kernel: graphs made by hand, images looked into. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { plainForm } from '#build';
import { archive, file, folder, symlink } from '../support/archives.ts';
import { BuildWorld, GraphDraft } from '../support/build-graph.ts';
import { missing } from '../support/needs.ts';

const skip = missing('root', 'busybox');

if (skip === false) {
  const world = new BuildWorld();
  before(() => world.start());
  after(() => world[Symbol.asyncDispose]());

  test('RUN and COPY make an image, and the same graph again makes the same one without running anything', async () => {
    const draft = new GraphDraft();
    const base = draft.image('busybox');
    const context = draft.local();
    const made = draft.run(base, 'mkdir /out && echo made > /out/a && echo said');
    const copied = draft.copy(made, context, ['b'], '/out/');
    const graph = draft.graph(draft.run(copied, 'cat /out/a /out/b > /out/c'));
    const tar = archive(file('b', 'copied\n'));
    const first = await world.build(graph, {
      context: tar,
      exports: [{ kind: 'store', names: ['mine:1'], form: plainForm(['mine:1']) }],
    });
    assert.equal(first.output, 'said\n');
    assert.equal(first.ran.length, 3);
    assert.equal(first.image.layers.length, 4);
    assert.deepEqual(first.image.tags, ['mine:1']);
    const again = await world.build(graph, {
      context: tar,
      exports: [{ kind: 'store', names: ['mine:1'], form: plainForm(['mine:1']) }],
    });
    assert.deepEqual(again.ran, []);
    assert.equal(again.image.id, first.image.id);
    const check = new GraphDraft();
    const look = check.run(check.image('mine:1'), 'cat /out/c');
    assert.equal((await world.build(check.graph(look))).output, 'made\ncopied\n');
  });

  /** Copies into busybox, and gives what `find` and `cat` say of it. */
  async function look(
    fill: (draft: GraphDraft, base: number, context: number) => number,
    tar: Buffer,
    script: string,
  ): Promise<string[]> {
    const draft = new GraphDraft();
    const base = draft.image('busybox');
    const filled = fill(draft, base, draft.local());
    const { output } = await world.build(draft.graph(draft.run(filled, script)), { context: tar });
    return output.trim().split('\n');
  }

  const tree = archive(
    folder('d', { mode: 0o750 }),
    file('d/one', '1', { mode: 0o600 }),
    file('d/two.txt', '22'),
    folder('d/sub', { mode: 0o711 }),
    file('d/sub/three.txt', '333', { mode: 0o755 }),
    symlink('link', 'd/one'),
    symlink('up', '../../../etc'),
    file('top', 'top'),
  );

  test('COPY follows the rules of targets, names and attributes', async () => {
    const check = async (
      sources: readonly string[],
      target: string,
      expected: readonly string[],
      more: Partial<Parameters<GraphDraft['copy']>[4]> = {},
    ): Promise<void> => {
      const script = 'cd /t && find . -mindepth 1 | sort | while read f; do stat -c \'%n %a %u:%g %s\' "$f"; done';
      const fill = (draft: GraphDraft, base: number, context: number): number =>
        draft.copy(
          draft.run(
            base,
            'echo dan:x:1000:1000::/: > /etc/passwd; mkdir /t /t/there && ln -s there /t/link && echo x > /t/there/x',
          ),
          context,
          sources,
          target,
          more,
        );
      const found = await look(fill, tree, script);
      const kept = found.filter((line) => !/^\.\/(?:link|there|there\/x) /.test(line));
      assert.deepEqual(kept, expected, `${sources.join(' ')} ${target}`);
    };
    await check(['top'], '/t/new', ['./new 644 0:0 3']);
    await check(['top'], '/t/new/', ['./new 755 0:0 4096', './new/top 644 0:0 3']);
    await check(['top'], '/t/there', ['./there/top 644 0:0 3']);
    await check(['top'], '/t/link/', ['./there/top 644 0:0 3']);
    await check(['link'], '/t/x', ['./x 600 0:0 1']);
    await check(['d/*.txt', 'top'], '/t/', ['./top 644 0:0 3', './two.txt 644 0:0 2']);
    await check(['d'], '/t/d', [
      './d 755 0:0 4096',
      './d/one 600 0:0 1',
      './d/sub 711 0:0 4096',
      './d/sub/three.txt 755 0:0 3',
      './d/two.txt 644 0:0 2',
    ]);
    await check(['d'], '/t/d', ['./d 755 0:0 4096', './d/one 600 0:0 1', './d/sub 711 0:0 4096'], {
      excludes: ['**/*.txt'],
    });
    await check(['top'], '/t/o', ['./o 4711 1000:1000 3'], { owner: 'dan', mode: '4711' });
    await check(
      ['d/sub/three.txt'],
      '/t/',
      ['./d 750 0:0 4096', './d/sub 711 0:0 4096', './d/sub/three.txt 755 0:0 3'],
      { keepsParents: true },
    );
    await check(['d/./sub/three.txt'], '/t/', ['./sub 711 0:0 4096', './sub/three.txt 755 0:0 3'], {
      keepsParents: true,
    });
    await check(['nothing*'], '/t/', []);
  });

  test('what cannot be copied is refused, by name', async () => {
    const check = async (sources: readonly string[], target: string, message: RegExp): Promise<void> => {
      const fill = (draft: GraphDraft, base: number, context: number): number =>
        draft.copy(draft.run(base, 'mkdir -p /t/d/one && echo x > /t/file'), context, sources, target);
      await assert.rejects(look(fill, tree, 'true'), { message }, `${sources.join(' ')} ${target}`);
    };
    await check(['missing'], '/t/', /^"\/missing": not found$/);
    await check(['up/passwd'], '/t/', /^"\/up\/passwd": not found$/);
    await check(['d'], '/t/file', /^cannot copy to non-directory: /);
    await check(['d'], '/t/d', /^cannot replace to directory \/t\/d\/one with file$/);
    await check(['top', 'd/one'], '/t/file2', /destination must be a directory and end with a \//);
  });

  test('a layer keeps out of what symlinks in it lead to', async () => {
    const fill = (draft: GraphDraft, base: number, context: number): number => {
      const bad = draft.run(base, 'ln -s /../../../tmp /out && ln -s /proc/1/root/tmp /out2');
      return draft.copy(draft.copy(bad, context, ['top'], '/out/'), context, ['top'], '/out2/');
    };
    assert.deepEqual(await look(fill, tree, 'ls /tmp'), ['top']);
  });

  test('files are known by content: their times make no difference, their modes do', async () => {
    const build = (mode: number, mtimeNs: bigint) => {
      const draft = new GraphDraft();
      const root = draft.copy(draft.image('busybox'), draft.local(), ['f'], '/by-content/');
      return world.build(draft.graph(root), { context: archive(file('f', 'content', { mode, mtimeNs })) });
    };
    assert.equal((await build(0o644, 1n)).ran.length, 1);
    assert.equal((await build(0o644, 2_000_000_000n)).ran.length, 0);
    assert.equal((await build(0o600, 1n)).ran.length, 1);
  });

  test('what a stage gives is known by content too: made again and the same, nothing after it is', async () => {
    const build = (ignoresCache: boolean) => {
      const draft = new GraphDraft();
      const base = draft.image('busybox');
      const stage = draft.run(base, 'echo stable > /artefact; cat /proc/sys/kernel/random/uuid > /other', {
        ignoresCache,
      });
      const copied = draft.copy(base, stage, ['artefact'], '/got/');
      return world.build(draft.graph(draft.run(copied, 'cat /got/artefact')));
    };
    assert.equal((await build(false)).ran.length, 3);
    assert.deepEqual((await build(true)).ran, [
      'RUN echo stable > /artefact; cat /proc/sys/kernel/random/uuid > /other',
    ]);
  });

  test('a step that is made again changes what stands on it', async () => {
    const build = (ignoresCache: boolean) => {
      const draft = new GraphDraft();
      const first = draft.run(draft.image('busybox'), 'cat /proc/sys/kernel/random/uuid > /when', { ignoresCache });
      return world.build(draft.graph(draft.run(first, 'cat /when')));
    };
    const before = await build(false);
    assert.equal((await build(false)).ran.length, 0);
    const again = await build(true);
    assert.equal(again.ran.length, 2);
    assert.notEqual(again.output, before.output);
  });

  test('a program that fails says so as BuildKit does, and its step is not kept', async () => {
    const draft = new GraphDraft();
    const root = draft.run(draft.image('busybox'), 'echo to stderr >&2; exit 7');
    await assert.rejects(world.build(draft.graph(root)), {
      message: 'process "/bin/sh -c echo to stderr >&2; exit 7" did not complete successfully: exit code: 7',
      details: { exitCode: 7 },
    });
  });

  test('steps without need of each other run side by side, unneeded ones never', async () => {
    const draft = new GraphDraft();
    const base = draft.image('busybox');
    const [a, b] = ['a', 'b'].map((name) => draft.run(base, `sleep 0.4; echo ${name} > /${name}`));
    draft.run(base, 'exit 1');
    const both = draft.copy(draft.copy(base, a!, ['a'], '/'), b!, ['b'], '/');
    const { output, events } = await world.build(draft.graph(draft.run(both, 'cat /a /b')));
    assert.equal(output, 'a\nb\n');
    const at = (type: string, step: number): number =>
      events.findIndex((event) => event.type === type && 'step' in event && event.step === step);
    assert.ok(at('started', b!) < at('done', a!) && at('started', a!) < at('done', b!));
  });

  test('mounts: files of the context, caches, secrets, heredocs; nothing of them is in the layer', async () => {
    const draft = new GraphDraft();
    const base = draft.image('busybox');
    const context = draft.local();
    const script =
      'cat /src/d/one /one /run/secrets/s /dev/pipes/EOF; echo $TOKEN; echo x >> /cache/log; wc -l < /cache/log; touch /src/no 2>&1; touch /scratch/x';
    const cache = {
      kind: 'cache',
      id: 'c1',
      isWritable: true,
      sharing: 'shared',
      from: undefined,
      source: '/',
      mode: 0o755,
      uid: 0,
      gid: 0,
    } as const;
    const graph = (salt: string) => {
      const each = new GraphDraft();
      const root = each.run(each.image('busybox'), `${script} # ${salt}`, {
        mounts: [
          { kind: 'bind', target: '/src', from: each.local(), source: '/', isWritable: false },
          { kind: 'bind', target: '/one', from: 1, source: '/link', isWritable: false },
          { ...cache, target: '/cache' },
          { kind: 'tmpfs', target: '/scratch', sizeBytes: 65536 },
          {
            kind: 'secret',
            target: '/run/secrets/s',
            environmentName: 'TOKEN',
            id: 's',
            isRequired: true,
            mode: 0o400,
            uid: 0,
            gid: 0,
          },
        ],
        heredocs: [{ path: 'EOF', content: 'heredoc\n' }],
      });
      return each.graph(
        each.run(root, 'ls -d /src /one /cache /scratch /run/secrets /run /dev/pipes 2>/dev/null; true'),
      );
    };
    const gifts = { secret: async () => Buffer.from('hush'), sshSocket: async () => undefined };
    void [base, context, draft];
    const first = await world.build(graph('1'), { context: tree, gifts });
    assert.equal(first.output, '11hushheredoc\nhush\n1\ntouch: /src/no: Read-only file system\n');
    const second = await world.build(graph('2'), { context: tree, gifts });
    assert.match(second.output, /\n2\ntouch/);
    await assert.rejects(world.build(graph('3'), { context: tree }), { message: 'secret s: not found' });
  });

  test('ADD unpacks archives, and copies what is none', async () => {
    const inner = archive(folder('in'), file('in/side', 'unpacked'));
    const tar = archive(file('a.tar', inner), file('b.gz', gzipSync(inner)), file('c.gz', 'no archive'));
    const fill = (draft: GraphDraft, base: number, context: number): number =>
      draft.copy(base, context, ['*'], '/add/', { unpacks: true, sources: ['a.tar', 'c.gz'] });
    assert.deepEqual(await look(fill, tar, 'cd /add; find . -type f | sort; cat in/side'), [
      './c.gz',
      './in/side',
      'unpacked',
    ]);
  });

  test('a merge shows trees over each other', async () => {
    const draft = new GraphDraft();
    const base = draft.image('busybox');
    const linked = draft.copy(undefined, draft.local(), ['top'], '/linked/', { isLinked: true });
    draft.steps.push({ kind: 'merge', name: 'merge', ignoresCache: false, layers: [base, linked] });
    const { output } = await world.build(draft.graph(draft.run(draft.steps.length - 1, 'cat /linked/top')), {
      context: tree,
    });
    assert.equal(output, 'top');
  });

  test('a cancelled build ends at once and leaves nothing', async () => {
    const draft = new GraphDraft();
    const root = draft.run(draft.image('busybox'), 'echo up; sleep 30');
    const stop = new AbortController();
    world.onEvent = (event) => {
      if (event.type === 'log') stop.abort();
    };
    const start = performance.now();
    await assert.rejects(world.build(draft.graph(root), { signal: stop.signal }), { code: 'build.cancelled' });
    assert.ok(performance.now() - start < 3000);
    world.onEvent = () => {};
    assert.deepEqual(readdirSync(`${world.folder}/exec/build`), []);
    assert.deepEqual(world.leftovers(), []);
  });

  test('prune removes what is not in use, the cache counts what it has', async () => {
    const { builder } = world.daemon.assembly;
    assert.ok(builder.usage().length > 10);
    const { ids, freedBytes } = await builder.prune({ all: true, matches: () => true });
    assert.ok(ids.length > 10 && freedBytes > 0);
    assert.deepEqual(builder.usage(), []);
    assert.deepEqual(world.leftovers(), []);
  });
}
