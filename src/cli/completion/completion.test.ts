import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { commandGroups, ownPrograms, topCommands } from '../command-tree.ts';
import { allCommandWords } from './command-words.ts';
import { completionScript, type Shell, shells } from './shells.ts';

const words = await allCommandWords({ topCommands, commandGroups, ownPrograms });

/** What skiff says in the place of `skiff`, in a shell of the tests. */
const answers = `case "$*" in 'ps -a'*) echo one; echo two ;; 'context ls -q') echo far ;; 'volume ls -q') echo data ;; *) echo box:latest ;; esac`;

/** Each shell's script with a line typed, as its completion sees it; where files are to be offered it says FILES. */
const programs: Readonly<Record<Shell, (line: string) => readonly string[]>> = {
  bash: (line) => {
    const typed = line.split(' ');
    const script = `${completionScript('bash', words)}
skiff() { ${answers}; }
compopt() { COMPREPLY=(FILES); }
COMP_WORDS=(${typed.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${typed.length - 1}
_skiff
printf '%s\\n' "\${COMPREPLY[@]}"`;
    return ['--norc', '-uc', script];
  },
  // Its builtins of that name work where a line is being typed only.
  zsh: (line) => {
    const typed = line.split(' ');
    const script = `compdef() { }
compadd() { shift; local each; for each in "$@"; do [[ $each = $words[CURRENT]* ]] && print -r -- $each; done; }
_files() { print FILES; }
${completionScript('zsh', words)}
skiff() { [[ -n $PATH ]] || exit 9; ${answers}; }
words=(${typed.map((word) => `'${word}'`).join(' ')}) CURRENT=${typed.length}
_skiff; true`;
    return ['-fc', script];
  },
  fish: (line) => {
    const script = `${completionScript('fish', words)}
function skiff
  sh -c '${answers.replaceAll("'", String.raw`\'`)}' skiff $argv
end
complete -C '${line}'`;
    return ['--no-config', '-c', script];
  },
};

/** What is offered behind a line, without the explanations that fish shows; undefined where the shell is not here. */
function offers(shell: Shell, line: string): string[] | undefined {
  // With a socket as its stdin bash thinks a network has started it, and would read the user's files.
  const { error, status, stdout, stderr } = spawnSync(shell, programs[shell](line), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: import.meta.dirname,
    env: { ...process.env, HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent', XDG_DATA_HOME: '/nonexistent' },
  });
  if (error) return undefined;
  assert.equal(status, 0, stderr);
  if (shell !== 'fish') assert.equal(stderr, '');
  const found = stdout
    .trim()
    .split('\n')
    .map((each) => each.split('\t')[0]!);
  return found.includes('shells.ts') ? ['FILES'] : found;
}

for (const shell of shells) {
  const skip = offers(shell, 'skiff inf') === undefined && `needs ${shell}`;
  test(`${shell} completes commands, groups, flags and names`, { skip }, () => {
    assert.deepEqual(offers(shell, 'skiff inf'), ['info']);
    assert.ok(offers(shell, 'skiff ')!.includes('doctor'));
    assert.deepEqual(offers(shell, 'skiff container pru'), ['prune']);
    assert.deepEqual(offers(shell, 'skiff run --memory-sw'), ['--memory-swap', '--memory-swappiness']);
    assert.deepEqual(offers(shell, 'skiff -H unix:///x container stop '), ['one', 'two']);
    assert.deepEqual(offers(shell, 'skiff container exec -it o'), ['one']);
    assert.deepEqual(offers(shell, 'skiff run --name x '), ['box:latest']);
    assert.deepEqual(offers(shell, 'skiff run --name '), ['FILES']);
    assert.deepEqual(offers(shell, 'skiff context use '), ['far']);
    assert.deepEqual(offers(shell, 'skiff volume rm '), ['data']);
    assert.deepEqual(offers(shell, 'skiff --contex'), ['--context']);
    assert.deepEqual(offers(shell, 'skiff load '), ['FILES']);
  });
}

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
