/** Keys of `ExposedPorts`: `80`, `80/tcp`, `8000-8010/udp`. */
import { errors } from './errors.ts';

const protocols = new Set(['tcp', 'udp', 'sctp']);

/** Each port with its protocol. compat: a range is each of its ports, no protocol is tcp. Throws `api.invalid`. */
export function portsOf(text: string): string[] {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || from > 65_535 || to > 65_535 || to < from) throw errors.invalid(`invalid port '${text}'`);
  if (!protocols.has(protocol.toLowerCase()))
    throw errors.invalid(`invalid port '${text}': invalid proto: ${protocol}`);
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
}
