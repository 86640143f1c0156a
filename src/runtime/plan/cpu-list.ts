/** Lists of CPUs or memory nodes such as `0-3,7`, as bit masks. Format: cpuset(7), "List format". */
import { errors } from '../errors.ts';

const MOST = 8192;

/** Little-endian bit mask, a multiple of eight bytes long. Throws `invalidSpec` naming the field. */
export function cpuMask(list: string, field: string): Uint8Array {
  const numbers =
    list.trim() === ''
      ? []
      : list
          .trim()
          .split(',')
          .flatMap((part) => range(part.trim(), list, field));
  const bytes = Math.ceil((Math.max(0, ...numbers) + 1) / 64) * 8;
  const mask = new Uint8Array(bytes);
  for (const number of numbers) mask[number >> 3]! |= 1 << (number & 7);
  return mask;
}

function range(part: string, list: string, field: string): number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(part);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? from);
  if (!match || to < from || to >= MOST) throw errors.invalidSpec(field, `"${list}"`, 'a list such as 0-3,7');
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
