/** Hands out the slots of a plan, one after the other. */
import { errors } from '../errors.ts';
import { slots } from './op.ts';

export interface SlotAllocator {
  /** A slot nothing else in this plan uses. */
  next(): number;
}

export function slotAllocator(): SlotAllocator {
  let free: number = slots.firstFree;
  return {
    next: () => {
      if (free >= slots.count) {
        throw errors.unsupported(
          `a config that needs more than ${slots.count} open files at once`,
          'use fewer id-mapped mounts',
        );
      }
      free += 1;
      return free - 1;
    },
  };
}
