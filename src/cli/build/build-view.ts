/**
 * A build's progress as lines of a terminal: no wider than it, no more than fit in. Pure.
 *
 * compat: the shape buildx gives it: a line on top with the time and how much is done, a line per step with its time at
 * the right, and below a running step how far its parts are and what it wrote last.
 */
import { formatBytes } from '#base';
import type { BuildAmount } from '#specs';
import type { BuildState, ShownStep } from './build-state.ts';

export interface ViewSize {
  readonly columns: number;
  /** Lines that may be used; Infinity when all steps have to be told. */
  readonly rows: number;
}

/** Of output below one running step; less where there is little room. */
const MOST_TAIL = 6;

/** The lines, without line ends. */
export function viewOf(
  state: BuildState,
  nowMs: number,
  beganMs: number,
  size: ViewSize,
  title = 'Building',
): string[] {
  const shown = state.steps.filter((step) => step.state !== 'waiting');
  const done = shown.filter((step) => step.state !== 'running').length;
  const head = `[+] ${title} ${seconds(nowMs - beganMs)}s (${done}/${state.steps.length})`;
  const blocks = shown.map((step) => blockOf(step, nowMs, size.columns));
  return [fitted(head, size.columns), ...within(blocks, shown, size.rows - 1)];
}

interface Block {
  readonly line: string;
  readonly details: readonly string[];
}

/** What runs is always there; what is done, the newest, and output of what runs share the room that is left. */
function within(blocks: readonly Block[], steps: readonly ShownStep[], rows: number): string[] {
  const isRunning = (at: number): boolean => steps[at]!.state === 'running';
  const all = blocks.map((_, at) => at);
  const running = all.filter(isRunning).slice(0, Math.max(rows, 0));
  const finished = all.filter((at) => !isRunning(at));
  const room = Math.max(rows - running.length, 0);
  const wanted = running.reduce((sum, at) => sum + blocks[at]!.details.length, 0);
  const forOutput = Math.min(wanted, Math.max(room - finished.length, Math.floor(room / 2)));
  const told = room - forOutput;
  const kept = new Set([...running, ...(told > 0 ? finished.slice(-told) : [])]);
  let left = forOutput;
  let readers = running.length;
  return all.flatMap((at) => {
    if (!kept.has(at)) return [];
    const { line, details } = blocks[at]!;
    if (!isRunning(at)) return [line];
    const share = Math.min(details.length, Math.ceil(left / readers));
    left -= share;
    readers -= 1;
    return [line, ...(share > 0 ? details.slice(-share) : [])];
  });
}

function blockOf(step: ShownStep, nowMs: number, columns: number): Block {
  const { state, name, startedMs, endedMs } = step;
  const mark = { waiting: '', running: '', cached: 'CACHED ', done: '', failed: 'ERROR ' }[state];
  const time = `${seconds((state === 'running' ? nowMs : endedMs) - startedMs)}s`;
  const room = columns - time.length - 1;
  const left = fitted(` => ${mark}${oneLine(name)}`, Math.max(room, 0));
  const line = room < 8 ? fitted(left, columns) : `${left}${' '.repeat(Math.max(room - widthOf(left), 0))} ${time}`;
  const parts = [...step.parts].map(([id, part]) => ` => => ${id === '' ? '' : `${id} `}${statusOf(part)}`);
  const output = [...step.tail, ...(step.partial === '' ? [] : [step.partial])].map(
    (text) => ` => => # ${plain(text)}`,
  );
  const details = [...parts.slice(-MOST_TAIL), ...output.slice(-MOST_TAIL)];
  return { line, details: details.slice(-MOST_TAIL).map((text) => fitted(text, columns)) };
}

function statusOf({ status, current, total }: BuildAmount): string {
  if (current === undefined) return status;
  const amount = total ? `${formatBytes(current, 4)} / ${formatBytes(total, 4)}` : formatBytes(current, 4);
  return `${status} ${amount}`;
}

/** Of a step's name: scripts in heredocs have many lines. */
const oneLine = (text: string): string => plain(text.replaceAll(/\s*\n\s*/g, ' '));

/** What a program wrote must not move the cursor: after a carriage return only the rest is seen, and the last of it counts. */
export function plain(text: string): string {
  const seen = text.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  // oxlint-disable-next-line no-control-regex -- these are what is taken away
  return seen
    .replaceAll(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?|[\0-\x08\x0b-\x1f\x7f]/g, '')
    .replaceAll('\t', '    ');
}

/** So that it takes no more than one line. */
export function fitted(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : cut(text, columns);
}

function cut(text: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    kept += character;
  }
  return kept;
}

/** Columns of text: East Asian wide characters and emoji take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : ZERO.test(character) ? 0 : 1;
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ZERO = /\p{Mn}|\p{Me}|\u200b|\u200d|\ufe0f/u;

/** compat: with one digit. */
export const seconds = (ms: number): string => (Math.max(ms, 0) / 1000).toFixed(1);
