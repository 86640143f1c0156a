/** The terminal handed over to a container: every key goes through, nothing is echoed or translated here. */
import { spawnSync } from 'node:child_process';
import type { TerminalInput } from '../command.ts';

/** Until it is disposed. Does nothing when the input is no terminal. */
export function enterRawMode(stdin: TerminalInput): Disposable {
  if (!stdin.isTTY || !stdin.setRawMode) return { [Symbol.dispose]: () => {} };
  stdin.setRawMode(true);
  if (stdin.rawIsWhole) return { [Symbol.dispose]: () => void stdin.setRawMode?.(false) };
  // Node keeps the translation of line ends on, which moves the cursor of full-screen programs to the wrong column.
  // A system without stty goes without: only such programs notice.
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  return { [Symbol.dispose]: () => void stdin.setRawMode?.(false) };
}
