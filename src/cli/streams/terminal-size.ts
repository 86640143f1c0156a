/** Keeps the size of a container's terminal that of ours. */
import type { TerminalOutput } from '../command.ts';

/** Rows and columns; undefined when the output is no terminal. */
export function sizeOf(stdout: TerminalOutput): [rows: number, columns: number] | undefined {
  return stdout.isTTY && stdout.rows && stdout.columns ? [stdout.rows, stdout.columns] : undefined;
}

/** Calls `resize` whenever the size changes, until it is disposed. A failure is left to the next change. */
export function followSize(
  stdout: TerminalOutput,
  resize: (rows: number, columns: number) => Promise<void>,
): Disposable {
  const changed = (): void => {
    const size = sizeOf(stdout);
    if (size) void resize(...size).catch(() => {});
  };
  stdout.on('resize', changed);
  return { [Symbol.dispose]: () => void stdout.off('resize', changed) };
}
