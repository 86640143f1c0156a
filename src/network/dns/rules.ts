/** Leads port 53 of the name service's address to where it listens, inside a container's network. Pure. */
import { addressIn, destinationPortIs, destinationTo, ipBytes, NftBatch, nftFamily, nftHook, protocolIs } from '#wire';
import { protocolNumbers } from '../firewall.ts';
import { SERVICE_ADDRESS } from './name-server.ts';

const TABLE = 'skiff';
const PORT = 53;
const PRIORITY_DESTINATION = -100;

/** kernel: the answer's source is put back by the connection's own entry. */
export function nameServiceRules(port: number): NftBatch {
  const address = ipBytes(SERVICE_ADDRESS);
  const batch = new NftBatch(nftFamily.ipv4, TABLE).table();
  batch.chain('output', { type: 'nat', hook: nftHook.output, priority: PRIORITY_DESTINATION });
  for (const protocol of [protocolNumbers.udp, protocolNumbers.tcp]) {
    const isOurs = [...addressIn('destination', address, 32), ...protocolIs(protocol), ...destinationPortIs(PORT)];
    batch.rule('output', ...isOurs, ...destinationTo(address, port));
  }
  return batch;
}

export function withoutNameServiceRules(): NftBatch {
  return new NftBatch(nftFamily.ipv4, TABLE).table().deleteTable();
}
