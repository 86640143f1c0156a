import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { below, processesBelow } from './process-tree.ts';

test('who is below whom, whatever the order, and a ring of pids is no endless one', () => {
  const tree = (text: string) =>
    text.split(' ').map((pair) => {
      const [pid = 0, parent = 0] = pair.split('<').map(Number);
      return { pid, parent };
    });
  const pids = (ancestor: number, text: string) => below(ancestor, tree(text)).map(({ pid }) => pid);
  assert.deepEqual(pids(1, '5<4 4<3 3<1 9<2'), [3, 4, 5]);
  assert.deepEqual(pids(7, '5<4 4<3 3<1'), []);
  assert.deepEqual(pids(1, '3<1 4<3 3<4'), [3, 4]);
});

test('a child and its child are below this process', async () => {
  const child = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const grandchild = Number(line.toString());
  const found = processesBelow(process.pid).map(({ pid }) => pid);
  assert.ok(found.includes(child.pid!) && found.includes(grandchild), found.join(' '));
  assert.deepEqual(
    processesBelow(child.pid!).map(({ pid }) => pid),
    [grandchild],
  );
  process.kill(grandchild, 'SIGKILL');
  await once(child, 'exit');
});
