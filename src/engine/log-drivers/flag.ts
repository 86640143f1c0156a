/** Options that are true or false. */
import { errors } from '../errors.ts';

/** Go's notations of truth. Throws for anything else. */
export function isYes(key: string, value: string | undefined): boolean {
  if (value === undefined || ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  throw errors.invalid(`log opt '${key}' is '${value}': say true or false`);
}
