/** Signals as users write them. */
import { signalNumber } from '#linux';
import { errors } from './errors.ts';

/** `TERM`, `SIGTERM`, `15`, `RTMIN+3`. Throws `container.invalidSignal`. */
export function parseSignal(text: string): number {
  const number = signalNumber(text);
  if (number === undefined || number === 0) throw errors.invalidSignal(text);
  return number;
}
