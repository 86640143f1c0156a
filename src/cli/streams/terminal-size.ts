/** Keeps the size of a container's terminal that of ours. */
import type { TerminalOutput } from '../command.ts';

/** Rows and columns; undefined when the output is no terminal. */
export function sizeOf(stdout: TerminalOutput): [rows: number, columns: number] | undefined {
  return stdout.isTTY && stdout.rows && stdout.columns ? [stdout.rows, stdout.columns] : undefined;
}

/**
 * Calls `resize` with the size there is, and whenever it changes, until it is disposed: one call after the other, so that of
 * two changes the last one stays. A failure is left to the next change.
 */
export function followSize(
  stdout: TerminalOutput,
  resize: (rows: number, columns: number) => Promise<void>,
): Disposable {
  let isSending = false;
  let hasChanged = true;
  const send = async (): Promise<void> => {
    isSending = true;
    while (hasChanged) {
      hasChanged = false;
      const size = sizeOf(stdout);
      if (size) await resize(...size).catch(() => {});
    }
    isSending = false;
  };
  const changed = (): void => {
    hasChanged = true;
    if (!isSending) void send();
  };
  stdout.on('resize', changed);
  changed();
  return {
    [Symbol.dispose]: () => {
      hasChanged = false;
      stdout.off('resize', changed);
    },
  };
}
