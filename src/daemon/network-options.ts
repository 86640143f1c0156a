/** The daemon's options about its default network. */
import { isIPv4 } from 'node:net';
import type { NetworkOptions } from '#network';
import { errors } from './errors.ts';
import { type GivenOptions, valueOf } from './options/given.ts';
import { integer, text } from './options/kinds.ts';

const DEFAULT_BRIDGE = 'skiff0';
const DEFAULT_MTU = 1500;

/** Throws `daemon.badFlag`. */
export function networkOptions(given: GivenOptions): NetworkOptions {
  const bridge = valueOf(given, 'bridge', text) || DEFAULT_BRIDGE;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/.test(bridge)) {
    throw errors.badFlag(`invalid --bridge '${bridge}': give the name of an interface, at most 15 letters, or none`);
  }
  const bip = valueOf(given, 'bip', text) ?? '';
  const isAddress = isIPv4(bip.replace(/\/\d+$/, '')) && /\/(?:[89]|[12]\d)$/.test(bip);
  if (bip !== '' && !isAddress) {
    throw errors.badFlag(`invalid --bip '${bip}': give an address with its network's length, such as 172.30.0.1/24`);
  }
  if (bip !== '' && bridge === 'none') throw errors.badFlag('--bip makes no sense with --bridge=none: leave one out');
  const mtu = valueOf(given, 'mtu', integer) || DEFAULT_MTU;
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535) {
    throw errors.badFlag(`invalid --mtu '${mtu}': give a number from 68 to 65535`);
  }
  const publishMode = valueOf(given, 'publish-mode', text) || 'forward';
  if (publishMode !== 'forward' && publishMode !== 'listen') {
    throw errors.badFlag(`invalid --publish-mode '${publishMode}': give forward or listen`);
  }
  return { bridge, bridgeAddress: bip, mtu, publishMode };
}
