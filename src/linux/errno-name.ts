/** Names of errno numbers, as the helper reports them. */
import { getSystemErrorMap } from 'node:util';

export function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
}
