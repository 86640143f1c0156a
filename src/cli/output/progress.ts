/**
 * Progress of pulls, pushes and loads. On a terminal each layer has a line of its own that is written over; elsewhere
 * each change of state is a line, and amounts are left out.
 */
import { formatBytes } from '#base';
import type { ProgressMessage } from '#specs';
import type { TerminalOutput } from '../command.ts';

/** Gives a listener for one operation. */
export function showProgress(output: TerminalOutput): (message: ProgressMessage) => void {
  const write = output.isTTY === true ? terminalProgress(output) : plainProgress(output);
  return (message) => {
    if (message.stream !== undefined) output.write(message.stream);
    else if (message.status !== undefined) write(message);
  };
}

function plainProgress(output: TerminalOutput): (message: ProgressMessage) => void {
  return ({ id, status = '', progressDetail }) => {
    if (progressDetail?.current !== undefined) return;
    output.write(id === undefined ? `${status}\n` : `${id}: ${status}\n`);
  };
}

/** Lines are counted from the first of this operation; text without an id goes below them and begins anew. */
function terminalProgress(output: TerminalOutput): (message: ProgressMessage) => void {
  const lines: string[] = [];
  return (message) => {
    const { id, status = '', progressDetail } = message;
    if (id === undefined || progressDetail === undefined) {
      lines.length = 0;
      output.write(id === undefined ? `${status}\n` : `${id}: ${status}\n`);
      return;
    }
    // A terminal that does not know its size says 0.
    const columns = output.columns || 80;
    const text = fitted(`${id}: ${status}${amounts(message, columns)}`, columns);
    const at = lines.indexOf(id);
    if (at < 0) {
      lines.push(id);
      output.write(`${text}\n`);
      return;
    }
    const up = lines.length - at;
    output.write(`\x1b[${up}A\r\x1b[2K${text}\r\x1b[${up}B`);
  };
}

/** A line that wraps could not be written over. */
const fitted = (text: string, columns: number): string => (text.length < columns ? text : text.slice(0, columns - 1));

function amounts(
  { id = '', status = '', progressDetail: { current, total } = {} }: ProgressMessage,
  columns: number,
): string {
  if (current === undefined) return '';
  const done = formatBytes(current, 4);
  if (!total || current > total) return ` ${done}`;
  const numbers = `${done.padStart(8)}/${formatBytes(total, 4)}`;
  const room = Math.min(50, columns - id.length - status.length - numbers.length - 8);
  if (room < 10) return ` ${numbers}`;
  const places = Math.min(room, Math.floor((current / total) * room));
  return ` [${'='.repeat(places)}>${' '.repeat(room - places)}] ${numbers}`;
}
