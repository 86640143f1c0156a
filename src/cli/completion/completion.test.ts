import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { commandGroups, ownPrograms, topCommands } from '../command-tree.ts';
import { allCommandWords } from './command-words.ts';
import { completionScript, shells } from './shells.ts';

const words = await allCommandWords({ topCommands, commandGroups, ownPrograms });

/** What bash offers behind a line. */
function offers(line: string): string[] {
  const typed = line.split(' ');
  const script = `${completionScript('bash', words)}
skiff() { case "$*" in 'ps -a'*) echo one; echo two ;; 'context ls -q') echo far ;; 'volume ls -q') echo data ;; *) echo box:latest ;; esac; }
compopt() { COMPREPLY=(FILES); }
COMP_WORDS=(${typed.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${typed.length - 1}
_skiff
printf '%s\\n' "\${COMPREPLY[@]}"`;
  // With a socket as its stdin bash thinks a network has started it, and would read the user's files.
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-uc', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout.trim().split('\n');
}

test('bash completes commands, groups, flags and names', () => {
  assert.deepEqual(offers('skiff inf'), ['info']);
  assert.ok(offers('skiff ').includes('doctor'));
  assert.deepEqual(offers('skiff container pru'), ['prune']);
  assert.deepEqual(offers('skiff run --memory-sw'), ['--memory-swap', '--memory-swappiness']);
  assert.deepEqual(offers('skiff -H unix:///x container stop '), ['one', 'two']);
  assert.deepEqual(offers('skiff container exec -it o'), ['one']);
  assert.deepEqual(offers('skiff run --name x '), ['box:latest']);
  assert.deepEqual(offers('skiff run --name '), ['FILES']);
  assert.deepEqual(offers('skiff context use '), ['far']);
  assert.deepEqual(offers('skiff volume rm '), ['data']);
  assert.deepEqual(offers('skiff --contex'), ['--context']);
  assert.deepEqual(offers('skiff load '), ['FILES']);
});

test('each script is understood by its shell, where that is here', () => {
  for (const shell of shells) {
    const script = completionScript(shell, words);
    assert.match(script, /skiff/);
    const { error, status, stderr } = spawnSync(shell, ['-n', '-c', script], { encoding: 'utf8' });
    if (!error) assert.equal(status, 0, `${shell}: ${stderr}`);
  }
});

test('fish is told every command with its help', () => {
  const script = completionScript('fish', words);
  assert.ok(
    script.includes(
      `complete -c skiff -n '__skiff_at "container"' -f -a prune -d 'Remove all containers that do not run'`,
    ),
  );
  assert.ok(script.includes(`complete -c skiff -n '__skiff_at "run"' -l memory -s m -r`));
});
